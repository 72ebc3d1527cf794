//! Twenty agents that ask at once, answered from three faces: each hears one answer.

use serde_json::{Value, json};

use super::editor::wait_until;
use super::real::everywhere;
use crate::lsp::client::{Editor as Client, Manner};
use crate::sessions::scene::DEADLINE;

const COUNT: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_approvals_are_a_queue_that_every_face_answers_once() {
    everywhere(async |real, _| {
        let (editor, scene) = (&real.editor, &real.scene);
        let name = |number: usize| format!("asks-{number}");
        editor.attach().await;
        editor
            .lua("_G.resolved = {} vim.api.nvim_create_autocmd('User', { pattern = 'DivisiApprovalResolved', callback = function(args) _G.resolved[args.data.id] = (_G.resolved[args.data.id] or 0) + 1 end })")
            .await;
        for number in 0..COUNT {
            real.scripted(&name(number), &format!("ask-permission a Make it :: make number-{number}.\nsay heard it")).await;
        }
        editor.until(&format!("#require('divisi.mirror').approvals == {COUNT}")).await;
        editor.ex("Divisi approvals").await;
        for number in 0..COUNT {
            editor.shows("divisi://approvals", &format!("make number-{number}.")).await;
        }
        // Oldest first, of those of one millisecond any; and the daemon has the same.
        let open = scene.approvals();
        let in_order = "(function() local before = 0 for _, a in ipairs(require('divisi').approvals()) do if a.asked_at < before then return false end before = a.asked_at end return true end)()";
        assert_eq!(editor.lua(&format!("return {in_order}")).await, true);
        let known = editor.lua("return vim.tbl_map(function(a) return a.id end, require('divisi').approvals())").await;
        let mut known: Vec<String> = known.as_array().unwrap().iter().map(Value::to_string).collect();
        let mut ids: Vec<String> = open.iter().map(|approval| approval["id"].to_string()).collect();
        known.sort_unstable();
        ids.sort_unstable();
        assert_eq!(known, ids);
        let id = |at: usize| open[at]["id"].as_str().unwrap().to_owned();

        // Both at once: one of them is told that it comes too late.
        let (first, here) = (id(0), format!("_G.late = nil require('divisi').request('approval/answer', {{ approval = {:?}, answer = 'once' }}, function(_, refusal) _G.late = refusal ~= nil end)", id(0)));
        let refused = tokio::task::block_in_place(|| {
            let other = scene.env.spawn_divisi(&scene.repo, &["answer", &first, "reject"]);
            tokio::runtime::Handle::current().block_on(editor.lua(&here));
            other.wait(DEADLINE).code() != 0
        });
        editor.until("_G.late ~= nil").await;
        assert_eq!(editor.lua("return _G.late").await, json!(!refused), "one of the two is too late");

        tokio::task::block_in_place(|| {
            let mut client = Client::open(scene, Manner::bare());
            for at in 1..7 {
                client.execute("divisi.approve", &[json!(id(at))]);
            }
            // A command is answered before it is carried out, and an editor that goes takes what was not with it.
            crate::support::wait_until(DEADLINE, "six are answered", || scene.approvals().len() == COUNT - 7);
            // What it tells of these sessions is no part of this.
            client.quit();
            client.left();
            for at in 7..10 {
                scene.divisi(&["answer", &id(at), "once"]).ok();
            }
        });
        editor.until(&format!("#require('divisi.mirror').approvals == {}", COUNT - 10)).await;
        for left in (0..COUNT - 10).rev() {
            editor.keys("ggo").await;
            editor.until(&format!("#require('divisi.mirror').approvals == {left}")).await;
        }
        assert!(tokio::task::block_in_place(|| scene.approvals()).is_empty());
        let resolved = editor.lua("local most = 0 for _, times in pairs(_G.resolved) do most = math.max(most, times) end return { vim.tbl_count(_G.resolved), most }").await;
        assert_eq!(resolved, json!([COUNT, 1]), "each was answered once");
        editor.assert_calm().await;
        editor.lua("for _, row in ipairs(require('divisi').sessions()) do require('divisi').request('session/remove', { session = row.id, discard = true }, function() end) end").await;
        // Not git first: it stumbles over a worktree that goes while it lists them.
        editor.until("next(require('divisi.mirror').sessions) == nil").await;
        wait_until("all are removed", || scene.env.git(&scene.repo, &["worktree", "list"]).lines().count() == 1).await;
    })
    .await;
}
