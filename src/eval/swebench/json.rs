//! JSON in the very bytes that Python's `json.dumps` writes.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, PrettyFormatter};

/// `json.dumps(document, indent=4)`: four spaces, everything outside of ASCII escaped.
pub fn pretty(document: &impl Serialize) -> String {
    write(document, Python(PrettyFormatter::with_indent(b"    ")))
}

/// `json.dumps(document, indent=2)`
pub(super) fn pretty_by_two(document: &impl Serialize) -> String {
    write(document, Python(PrettyFormatter::with_indent(b"  ")))
}

/// `json.dumps(document, ensure_ascii=False, separators=(",", ":"))`
pub fn compact(document: &impl Serialize) -> String {
    write(document, CompactFormatter)
}

fn write(document: &impl Serialize, formatter: impl Formatter) -> String {
    let mut bytes = Vec::new();
    let written = document.serialize(&mut Serializer::with_formatter(&mut bytes, formatter));
    written.expect("reports are made of strings, numbers, lists and maps with string keys, and memory takes all of it");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

/// Escapes what `ensure_ascii` escapes; the layout is another's.
struct Python<F>(F);

impl Formatter for Python<PrettyFormatter<'_>> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut plain = 0;
        for (at, c) in fragment.char_indices().filter(|(_, c)| !c.is_ascii() || *c == '\u{7f}') {
            writer.write_all(&fragment.as_bytes()[plain..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            plain = at + c.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[plain..])
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        self.0.write_char_escape(writer, escape)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}
