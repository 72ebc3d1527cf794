//! What a prompt is made of: its text and what goes with it, in pieces that every protocol has its own words for.

use crate::base::base64;
use crate::host::port::attachments::{NAMED, named};
use crate::host::port::{Content, Update};

/// A prompt to deliver.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Prompt {
    pub(super) text: String,
    pub(super) content: Vec<Content>,
}

/// One piece of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Words.
    Text(String),
    /// An image that the agent looks at.
    Image { media_type: String, base64: String, path: String },
    /// A text file, whole.
    File { name: String, media_type: String, path: String, text: String },
}

impl Prompt {
    /// A prompt of text and content.
    pub(super) fn new(text: &str, content: &[Content]) -> Self {
        Self { text: text.to_owned(), content: content.to_vec() }
    }

    /// The pieces, the text first. What the agent does not take, and what is too large to be told whole, is named in the text: the
    /// agent can read the kept copy itself.
    pub(super) fn pieces(&self, images: bool) -> Vec<Piece> {
        let mut text = self.text.clone();
        let mut pieces = Vec::new();
        for Content { name, media_type, path, bytes } in &self.content {
            let image = media_type.starts_with("image/");
            match bytes {
                Some(bytes) if image && images => pieces.push(Piece::Image {
                    media_type: media_type.clone(),
                    base64: base64::encode(bytes),
                    path: path.clone(),
                }),
                Some(bytes) if !image && std::str::from_utf8(bytes).is_ok() => pieces.push(Piece::File {
                    name: name.clone(),
                    media_type: media_type.clone(),
                    path: path.clone(),
                    text: String::from_utf8_lossy(bytes).into_owned(),
                }),
                _ => text.push_str(&named(name, media_type, path)),
            }
        }
        pieces.insert(0, Piece::Text(text));
        pieces
    }
}

/// A text file as words, for protocols that have no place for files.
pub(super) fn quoted(name: &str, text: &str) -> String {
    let name = crate::base::text::visible_line(name, 200).replace(['"', '<', '>'], "_");
    format!("<attached-file name=\"{name}\">\n{text}\n</attached-file>")
}

/// Says that an agent was told paths instead of contents, when a written prompt does that.
pub(super) fn tell_named(bytes: &[u8], updates: &mut Vec<Update>) {
    let found = bytes.windows(NAMED.len()).filter(|part| *part == NAMED.as_bytes()).count();
    if found > 0 {
        let (what, them) = if found == 1 { ("the attached file", "it") } else { ("some attached files", "them") };
        updates.push(Update::Notice(format!("the agent was told where {what} is kept, and reads {them} itself")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(name: &str, media_type: &str, bytes: Option<&[u8]>) -> Content {
        Content {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            path: format!("/kept/{name}"),
            bytes: bytes.map(<[u8]>::to_vec),
        }
    }

    #[test]
    fn what_an_agent_cannot_take_is_named_in_the_text() {
        let prompt = Prompt::new(
            "look",
            &[
                content("a.png", "image/png", Some(b"foo")),
                content("b.txt", "text/plain", Some(b"words")),
                content("c.bin", "application/octet-stream", None),
            ],
        );
        let pieces = prompt.pieces(true);
        assert!(matches!(&pieces[0], Piece::Text(text) if text.starts_with("look\n") && text.contains("/kept/c.bin")));
        assert!(matches!(&pieces[1], Piece::Image { base64, .. } if base64 == "Zm9v"));
        assert!(matches!(&pieces[2], Piece::File { text, .. } if text == "words"));
        let blind = prompt.pieces(false);
        assert!(matches!(&blind[0], Piece::Text(text) if text.contains("/kept/a.png")), "{blind:?}");
        assert_eq!(blind.len(), 2);
        let mut updates = Vec::new();
        tell_named(format!("{blind:?}").as_bytes(), &mut updates);
        assert_eq!(updates.len(), 1);
    }
}
