//! What a screen model is spared: strings without an end, and few bytes that make much work.

/// The longest title, notification or other string; what is longer is broken off.
const LONGEST_STRING: usize = 64 * 1024;
/// The most a character may be repeated by one sequence.
const MOST_REPEATS: u32 = 1000;
/// Breaks a sequence off.
const CANCEL: u8 = 0x18;

/// Where in the stream of bytes we are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Ground,
    Escape,
    /// In a control sequence, with its first number.
    Sequence {
        number: u32,
        first: bool,
    },
    /// In a string of so many bytes.
    Text {
        length: usize,
    },
    /// In a string that was broken off.
    Swallowed,
}

/// Copies what a program prints, without what would hurt.
#[derive(Debug, Clone, Default)]
pub(super) struct Guard {
    place: Place,
}

impl Guard {
    pub(super) fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut passed = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            if self.place == Place::Ground {
                let plain = rest.iter().position(|&byte| byte == 0x1b).unwrap_or(rest.len());
                passed.extend_from_slice(&rest[..plain]);
                rest = &rest[plain..];
                if !rest.is_empty() {
                    passed.push(0x1b);
                    self.place = Place::Escape;
                    rest = &rest[1..];
                }
                continue;
            }
            rest = after;
            passed.extend(self.step(byte));
        }
        passed
    }

    fn step(&mut self, byte: u8) -> Option<u8> {
        let (place, passed) = match (self.place, byte) {
            (Place::Swallowed, 0x07 | 0x18 | 0x1a) => (Place::Ground, None),
            (_, 0x1b) | (Place::Escape, 0x20..=0x2f) => (Place::Escape, Some(byte)),
            (Place::Swallowed, _) => (Place::Swallowed, None),
            (_, 0x18 | 0x1a) | (Place::Ground, _) => (Place::Ground, Some(byte)),
            (Place::Escape, b'[') => (Place::Sequence { number: 0, first: true }, Some(byte)),
            (Place::Escape, b']' | b'P' | b'X' | b'^' | b'_') => (Place::Text { length: 0 }, Some(byte)),
            (Place::Sequence { number, first: true }, b'0'..=b'9') => {
                let number = number.saturating_mul(10).saturating_add(u32::from(byte - b'0'));
                (Place::Sequence { number, first: true }, Some(byte))
            }
            (Place::Sequence { number, .. }, b'b') if number > MOST_REPEATS => (Place::Ground, Some(CANCEL)),
            (Place::Escape, _) | (Place::Sequence { .. }, 0x40..=0x7e) | (Place::Text { .. }, 0x07) => {
                (Place::Ground, Some(byte))
            }
            (Place::Sequence { number, first }, _) => {
                (Place::Sequence { number, first: first && byte != b';' && byte != b':' }, Some(byte))
            }
            (Place::Text { length }, _) if length >= LONGEST_STRING => (Place::Swallowed, Some(CANCEL)),
            (Place::Text { length }, _) => (Place::Text { length: length + 1 }, Some(byte)),
        };
        self.place = place;
        passed
    }
}
