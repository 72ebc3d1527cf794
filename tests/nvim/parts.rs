//! Parts of hunks: some lines of a change are accepted or taken out, from a selection, by a motion, again with `.`, and taken back.

use serde_json::{Value, json};

use super::editor::wait_until;
use super::real::{Real, everywhere};

/// Three lines changed and two new ones, all in one hunk; the last line went.
const CHANGE: &str = "sed -i -e 's/^line \\([234]\\)$/LINE \\1/' -e '4a new 1\\nnew 2' -e '12d' lines.txt";

const REVIEW: &str = "require('divisi.ui.review').current()";

async fn settled(real: &Real) {
    real.editor.until(&format!("#{REVIEW}.queue == 0 and {REVIEW}.pending_count == 0 and not {REVIEW}.busy")).await;
}

/// Hunks of the session, as `+`-and-`-`-lines and the decision.
fn hunks(real: &Real) -> Vec<(String, Value)> {
    let diff = real.scene.env.json(&real.scene.repo, &["diff", "one"]);
    let files = diff["files"].as_array().unwrap().iter();
    let hunks = files.flat_map(|file| file["hunks"].as_array().unwrap().clone());
    hunks
        .map(|hunk| {
            let lines = hunk["lines"].as_array().unwrap().iter().filter_map(Value::as_str);
            let changed: Vec<&str> = lines.filter(|line| !line.starts_with(' ')).collect();
            (changed.join(","), hunk["decision"].clone())
        })
        .collect()
}

async fn become_hunks(real: &Real, expected: &[(&str, Value)]) {
    let expected: Vec<(String, Value)> =
        expected.iter().map(|(lines, said)| ((*lines).to_owned(), said.clone())).collect();
    let mut seen = Vec::new();
    let wait = tokio::time::timeout(std::time::Duration::from_secs(8), async {
        loop {
            seen = hunks(real);
            if seen == expected {
                break;
            }
            tokio::task::yield_now().await;
        }
    });
    assert!(wait.await.is_ok(), "expected {expected:?}\nseen {:?}\n{}", hunks(real), real.editor.picture().await);
    settled(real).await;
    let count = expected.len();
    real.editor.until(&format!("(function() local n = 0 for _, f in ipairs({REVIEW}.data.files) do n = n + #f.hunks end return n == {count} end)()")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_of_a_hunk_are_decided_apart_from_the_others_and_taken_back() {
    everywhere(async |real, _| {
        let (editor, scene) = (&real.editor, &real.scene);
        scene.shell("one", CHANGE).ok();
        editor.ex("Divisi review one").await;
        editor.until("vim.t.divisi_diff == 'review' and vim.fn.expand('%:t') == 'lines.txt' and vim.fn.maparg('\\\\a', 'x') ~= ''").await;
        let (yes, open) = (json!("accepted"), Value::Null);
        become_hunks(&real, &[("-line 2,-line 3,-line 4,+LINE 2,+LINE 3,+LINE 4,+new 1,+new 2", open.clone()), ("-line 12", open.clone())]).await;

        // A selection of one line accepts that line with the one it replaced; the rest goes on waiting.
        editor.keys("3GV\\a").await;
        become_hunks(&real, &[("-line 2,+LINE 2", open.clone()), ("-line 3,+LINE 3", yes.clone()), ("-line 4,+LINE 4,+new 1,+new 2", open.clone()), ("-line 12", open.clone())]).await;
        // `.` does as many lines at the cursor.
        editor.keys("5G.").await;
        become_hunks(&real, &[
            ("-line 2,+LINE 2", open.clone()), ("-line 3,+LINE 3", yes.clone()), ("-line 4,+LINE 4", open.clone()),
            ("+new 1", yes.clone()), ("+new 2", open.clone()), ("-line 12", open.clone()),
        ]).await;
        // A motion takes lines out: the new line and what came for line 4.
        editor.keys("6G\\X_").await;
        become_hunks(&real, &[
            ("-line 2,+LINE 2", open.clone()), ("-line 3,+LINE 3", yes.clone()), ("-line 4,+LINE 4", open.clone()),
            ("+new 1", yes.clone()), ("-line 12", open.clone()),
        ]).await;
        let text = "line 1\nLINE 2\nLINE 3\nLINE 4\nnew 1\nline 5\n";
        assert!(scene.read("one", "lines.txt").starts_with(text), "{}", scene.read("one", "lines.txt"));
        editor.until("table.concat(vim.fn.getline(1, 6), '\\n') .. '\\n' == 'line 1\\nLINE 2\\nLINE 3\\nLINE 4\\nnew 1\\nline 5\\n'").await;
        // Taken back: the newest first, wherever the cursor is.
        editor.keys("gg\\u").await;
        wait_until("the line is back", || scene.read("one", "lines.txt").contains("new 1\nnew 2\nline 5\n")).await;
        become_hunks(&real, &[
            ("-line 2,+LINE 2", open.clone()), ("-line 3,+LINE 3", yes.clone()), ("-line 4,+LINE 4", open.clone()),
            ("+new 1", yes.clone()), ("+new 2", open.clone()), ("-line 12", open.clone()),
        ]).await;
        // An accepted line under the cursor is open again, and one with what was around it.
        editor.keys("5G\\u").await;
        become_hunks(&real, &[("-line 2,+LINE 2", open.clone()), ("-line 3,+LINE 3", yes.clone()), ("-line 4,+LINE 4,+new 1,+new 2", open.clone()), ("-line 12", open.clone())]).await;
        // What only went is on the line below it; from the end of the file, on the last one.
        editor.keys("13GV\\x").await;
        become_hunks(&real, &[("-line 2,+LINE 2", open.clone()), ("-line 3,+LINE 3", yes.clone()), ("-line 4,+LINE 4,+new 1,+new 2", open.clone())]).await;
        assert!(scene.read("one", "lines.txt").contains("line 11\nline 12"));
        // The agent writes elsewhere: what was accepted stays so.
        scene.divisi(&["send", "one", "--wait", "sed -i '1i first' lines.txt"]).ok();
        wait_until("the decision is still there", || hunks(&real).iter().any(|(lines, said)| lines.ends_with("-line 3,+LINE 3") && *said == yes)).await;
        // Nothing changed on the lines.
        editor.keys("GV\\a").await;
        editor.until("_G.told('no change on these lines')").await;
        editor.assert_calm().await;
        scene.discard(&["one"]);
    })
    .await;
}
