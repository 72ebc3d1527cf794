//! An agent with a process for every turn goes on with one conversation, and when that is gone gets the transcript.

use super::scene::Scene;

/// An agent of one process per turn: it keeps what it was told in a file per conversation, and repeats its prompt.
const AGENT: &str = r#"
name = "once"
description = "A conversation in a file"
protocol = "json_lines"
dialect = "codex"
command = ["sh", "-c", '''
if [ "$1" = go-on ]; then
  id=$2
  shift 2
  if [ ! -e "$HOME/conversation-$id" ]; then
    echo "Error: thread/resume failed: no rollout found for thread id $id" >&2
    exit 1
  fi
else
  id=$$
fi
echo "$1" >>"$HOME/conversation-$id"
echo "{\"type\":\"thread.started\",\"thread_id\":\"$id\"}"
count=$(grep -c "said it" "$HOME/conversation-$id")
echo "{\"type\":\"item.completed\",\"item\":{\"id\":\"1\",\"type\":\"agent_message\",\"text\":\"prompts I know: $count\"}}"
echo "{\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}"
''', "once", "{resume}", "{prompt}"]

[arguments]
resume = ["go-on", "{value}"]
"#;

fn notices(scene: &Scene) -> String {
    scene.divisi(&["log", "a", "--json"]).ok().stdout.clone()
}

#[test]
fn a_process_for_every_turn_is_one_conversation() {
    let scene = Scene::new();
    scene.env.write("home/config/divisi/agents/once.toml", AGENT);
    scene.divisi(&["new", "--name", "a", "--agent", "once", "--wait", "I said it"]).ok();
    for count in 2..=3 {
        scene.divisi(&["send", "a", "--wait", "and said it again"]).ok();
        assert!(notices(&scene).contains(&format!("prompts I know: {count}")), "{}", notices(&scene));
    }
    assert!(!notices(&scene).contains("could not be resumed"));
    scene.discard(&["a"]);
}

#[test]
fn a_conversation_that_is_gone_costs_one_turn() {
    let scene = Scene::new();
    scene.env.write("home/config/divisi/agents/once.toml", AGENT);
    scene.divisi(&["new", "--name", "a", "--agent", "once", "--wait", "I said it"]).ok();
    for entry in std::fs::read_dir(scene.env.path("home")).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("conversation-") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    scene.divisi(&["send", "a", "--wait", "and said it again"]);
    assert_eq!(scene.state("a"), "failed");
    assert!(notices(&scene).contains("the earlier conversation is gone"), "{}", notices(&scene));
    scene.divisi(&["send", "a", "--wait", "said it at last"]).ok();
    // The transcript holds the two prompts of before.
    assert!(notices(&scene).contains("prompts I know: 3"), "{}", notices(&scene));
    scene.divisi(&["send", "a", "--wait", "said it again"]).ok();
    assert!(notices(&scene).contains("prompts I know: 4"), "{}", notices(&scene));
    scene.discard(&["a"]);
}
