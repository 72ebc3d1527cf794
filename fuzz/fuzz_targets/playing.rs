// Shared by the targets of agents' protocols (each includes it): plays what an agent prints to a conversation.

use divisi::host::port::{Conversation, ConversationInput, Update};
use divisi::model::id::TurnId;
use divisi::model::job::JobEnd;

fn feed(conversation: &mut dyn Conversation, input: ConversationInput<'_>, updates: &mut Vec<Update>) {
    let mut news = Vec::new();
    conversation.feed(input, &mut news);
    for update in news {
        if let Update::Write { key, bytes } = &update {
            feed(conversation, ConversationInput::Written { key, bytes }, updates);
        }
        updates.push(update);
    }
}

/// Makes it ready with these lines, prompts it, lets it print the bytes in pieces of a size, and ends it. One bit each of `acts` says
/// whether every question is answered and whether the turn is cancelled on the way.
fn play(mut conversation: Box<dyn Conversation>, ready: &[&str], acts: u8, bytes: &[u8], size: usize) -> Vec<Update> {
    let mut updates = Vec::new();
    let print = |conversation: &mut dyn Conversation, bytes: &[u8], updates: &mut Vec<Update>| {
        feed(conversation, ConversationInput::Output { stderr: false, bytes }, updates);
    };
    feed(conversation.as_mut(), ConversationInput::Started, &mut updates);
    for line in ready {
        print(conversation.as_mut(), format!("{line}\n").as_bytes(), &mut updates);
    }
    feed(conversation.as_mut(), ConversationInput::Prompt { turn: &TurnId::from("s.t1"), text: "x", content: &[], prompt: None }, &mut updates);
    for piece in bytes.chunks(size) {
        print(conversation.as_mut(), piece, &mut updates);
    }
    if acts & 1 != 0 {
        let asked = updates.iter().filter_map(|update| match update {
            Update::Approval { key, options, .. } => Some((key.clone(), options.first().map(|option| option.id.clone()))),
            _ => None,
        });
        for (key, option) in asked.collect::<Vec<_>>() {
            let answer = ConversationInput::Answer { key: &key, option: option.as_deref(), message: Some("m") };
            feed(conversation.as_mut(), answer, &mut updates);
        }
    }
    if acts & 2 != 0 {
        feed(conversation.as_mut(), ConversationInput::Cancel, &mut updates);
        print(conversation.as_mut(), bytes, &mut updates);
    }
    feed(conversation.as_mut(), ConversationInput::Ended(&JobEnd::Lost), &mut updates);
    updates
}

/// No panic, the same updates however the output is cut, and the turn ends exactly once, unless the agent turned out to be of no use.
fn check(start: impl Fn() -> Box<dyn Conversation>, ready: &[&str], acts: u8, size: u8, bytes: &[u8]) {
    let whole = play(start(), ready, acts, bytes, bytes.len().max(1));
    assert_eq!(play(start(), ready, acts, bytes, usize::from(size).max(1)), whole);
    let ends = whole.iter().filter(|update| matches!(update, Update::TurnEnded { .. })).count();
    let unusable = whole.iter().any(|update| matches!(update, Update::Unusable { .. }));
    assert!(ends == 1 || (unusable && ends == 0), "{ends} ends");
}
