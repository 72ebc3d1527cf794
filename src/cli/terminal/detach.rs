//! The key that detaches.

use std::str::FromStr;

/// Which key detaches, if any does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DetachKey(Option<u8>);

impl Default for DetachKey {
    /// Ctrl-\, as in dtach and abduco.
    fn default() -> Self {
        Self(Some(0x1c))
    }
}

impl FromStr for DetachKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        let key = text.strip_prefix("ctrl-").or_else(|| text.strip_prefix('^'));
        match key.map(str::as_bytes) {
            Some([key @ (b'a'..=b'z' | b'A'..=b'Z' | b'\\' | b']' | b'^' | b'_' | b'@')]) => Ok(Self(Some(key & 0x1f))),
            _ => Err("give a key as ctrl-a ... ctrl-z, ctrl-\\, ctrl-], ctrl-^, ctrl-_, or none".to_owned()),
        }
    }
}

/// Begins and ends what is pasted.
const PASTE: &[u8] = b"\x1b[200~";
const PASTED: &[u8] = b"\x1b[201~";

/// Finds the key in what is typed. What is pasted presses no keys.
#[derive(Debug)]
pub(crate) struct Detach {
    key: DetachKey,
    pasting: bool,
    /// The last bytes, for a mark that comes in two pieces.
    last: Vec<u8>,
}

impl Detach {
    pub(crate) fn new(key: DetachKey) -> Self {
        Self { key, pasting: false, last: Vec::new() }
    }

    /// The bytes to hand on; absent when the key is among them.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let Some(key) = self.key.0 else { return Some(bytes.to_vec()) };
        for &byte in bytes {
            if byte == key && !self.pasting {
                return None;
            }
            self.last.push(byte);
            if self.last.len() > PASTE.len() {
                self.last.remove(0);
            }
            if self.last == PASTE {
                self.pasting = true;
            } else if self.last == PASTED {
                self.pasting = false;
            }
        }
        Some(bytes.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_detaches_wherever_it_is_typed_and_never_where_it_is_pasted() {
        let mut detach = Detach::new(DetachKey::default());
        assert_eq!(detach.take(b"abc"), Some(b"abc".to_vec()));
        assert_eq!(detach.take(b"x\x1b[20"), Some(b"x\x1b[20".to_vec()));
        assert_eq!(detach.take(b"0~a\x1cb"), Some(b"0~a\x1cb".to_vec()), "pasted");
        assert_eq!(detach.take(b"\x1b[201~"), Some(b"\x1b[201~".to_vec()));
        assert_eq!(detach.take(b"a\x1cb"), None);
    }

    #[test]
    fn another_key_or_none_can_be_chosen() {
        let key = |text: &str| text.parse::<DetachKey>();
        assert_eq!(key("ctrl-b"), Ok(DetachKey(Some(2))));
        assert_eq!(key("^]"), Ok(DetachKey(Some(0x1d))));
        assert_eq!(key("none"), Ok(DetachKey(None)));
        assert!(key("b").is_err() && key("ctrl-").is_err() && key("ctrl-ä").is_err());
        assert!(Detach::new(DetachKey(None)).take(b"\x1c").is_some());
    }
}
