//! What programs say of what they do: the program status protocol (OSC 7501, draft 0.2 of October 2026), and titles.
//!
//! The body is `state=idle|working|blocked|done|error|clear`, then `:`-separated fields, of which `msg` is text in base 64. It is
//! written by whoever can print, so it is shown and never acted on.

/// What a program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// It waits for a prompt.
    Idle,
    Working,
    /// It waits for an answer.
    Blocked,
    /// It has done what it was asked.
    Done,
    Error,
}

/// A state, told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) mood: Mood,
    pub(super) message: Option<String>,
}

/// Reads the body of an OSC 7501; nothing when it names no state that is known.
pub(super) fn parse(body: &str) -> Option<Status> {
    let mut mood = None;
    let mut message = None;
    for field in body.split([':', ';']) {
        match field.split_once('=') {
            Some(("state", state)) => {
                mood = Some(match state {
                    "idle" | "clear" => Mood::Idle,
                    "working" => Mood::Working,
                    "blocked" => Mood::Blocked,
                    "done" => Mood::Done,
                    "error" => Mood::Error,
                    _ => return None,
                });
            }
            Some(("msg", text)) => message = decode(text).filter(|text| !text.trim().is_empty()),
            _ => {}
        }
    }
    mood.map(|mood| Status { mood, message })
}

/// What a title says, when it is one of those that mean something: spinners, `Action Required`, marks of being ready.
pub(super) fn of_title(title: &str) -> Option<Mood> {
    if title.contains("Action Required") || title.starts_with('✋') {
        return Some(Mood::Blocked);
    }
    match title.chars().next()? {
        // Codex' spinner, Claude's and Qwen's, Gemini's.
        '\u{2801}'..='\u{28ff}' | '◐' | '◓' | '◑' | '◒' | '✦' => Some(Mood::Working),
        '✳' | '◇' => Some(Mood::Idle),
        _ => None,
    }
}

/// Base 64 to text; nothing when it is none.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for c in text.trim_end_matches('=').bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_messages_are_read_and_nonsense_is_nothing() {
        let status = |body: &str| parse(body).map(|status| (status.mood, status.message));
        assert_eq!(status("state=working:app=claude-code"), Some((Mood::Working, None)));
        let asked = "state=blocked:app=claude-code:kind=permission:msg=YXBwcm92ZSBXcml0ZTog4oCm";
        assert_eq!(status(asked), Some((Mood::Blocked, Some("approve Write: …".to_owned()))));
        assert_eq!(status("state=clear"), Some((Mood::Idle, None)));
        assert_eq!(status("state=done:msg=!!"), Some((Mood::Done, None)));
        assert_eq!(status("state=dancing"), None);
        assert_eq!(status("app=x"), None);
    }

    #[test]
    fn titles_that_are_known_say_what_is_done() {
        let titles = [
            ("⠋ parser", Some(Mood::Working)),
            ("[ ! ] Action Required | parser", Some(Mood::Blocked)),
            ("◐ Fix the parser", Some(Mood::Working)),
            ("✳ Claude Code", Some(Mood::Idle)),
            ("✦  Working…", Some(Mood::Working)),
            ("◇  Ready (parser)", Some(Mood::Idle)),
            ("vim a.txt", None),
            ("", None),
        ];
        for (title, mood) in titles {
            assert_eq!(of_title(title), mood, "{title}");
        }
    }
}
