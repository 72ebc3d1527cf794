//! Four agents that talk at once.

use std::time::{Duration, Instant};

use super::in_every_neovim;

in_every_neovim! {
    async fn the_editor_answers_while_four_agents_stream(scene) {
        const CHUNKS: usize = 1_500;
        let names = ["one", "two", "three", "four"];
        for (n, name) in names.iter().enumerate() {
            let id = format!("s{n:09}");
            scene.session(&id, name, "running");
            scene.fake.turn(&id, 1, "talk");
        }
        for (n, name) in names.iter().enumerate() {
            scene.editor.ex(&format!("Divisi show {name}")).await;
            scene.editor.shows(&format!("divisi://session/{name}"), "talk").await;
            // A window of its own for each, following.
            scene.editor.keys("G").await;
            if n < 3 {
                scene.editor.lua("vim.w.divisi = nil vim.cmd('topleft split')").await;
            }
        }
        scene.editor.ex("Divisi list").await;
        let begin = Instant::now();
        let mut waits = Vec::new();
        for chunk in 0..CHUNKS {
            for n in 0..names.len() {
                scene.fake.say(&format!("s{n:09}"), &format!("chunk {chunk} of **text** with `code`\n"));
            }
            if chunk % 20 == 0 {
                let asked = Instant::now();
                scene.editor.lua("return 1").await;
                waits.push(asked.elapsed());
            }
        }
        for name in names {
            scene.editor.shows(&format!("divisi://session/{name}"), &format!("chunk {} ", CHUNKS - 1)).await;
        }
        waits.sort_unstable();
        let worst = waits[waits.len() * 99 / 100];
        println!("{} events in {:?}; answers: median {:?}, p99 {worst:?}", 4 * CHUNKS, begin.elapsed(), waits[waits.len() / 2]);
        // 50 ms is the promise on a machine of one's own; tests share theirs.
        assert!(worst < Duration::from_millis(500), "{worst:?}");
        for name in names {
            let said = scene.editor.said(&format!("divisi://session/{name}")).await;
            assert_eq!(said.iter().filter(|line| line.starts_with("chunk ")).count(), CHUNKS);
        }
        scene.editor.assert_calm().await;
    }
}
