//! `file:` URIs and paths.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// What may stand in a path as it is (RFC 3986, unreserved and `/`). Everything else is encoded, `:` and `+` too, as VS Code does.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The URI of an absolute path.
pub fn from_path(path: &Path) -> String {
    format!("file://{}", percent_encode(path.as_os_str().as_bytes(), ENCODED))
}

/// The path of a `file:` URI of this machine; absent for any other.
pub fn to_path(uri: &str) -> Option<PathBuf> {
    let rest = uri.strip_prefix("file://")?;
    let rest = rest.strip_prefix("localhost").unwrap_or(rest);
    let rest = rest.split(['?', '#']).next()?;
    let bytes: Vec<u8> = percent_decode_str(rest).collect();
    (bytes.first() == Some(&b'/') && !bytes.contains(&0)).then(|| PathBuf::from(OsString::from_vec(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_uris_are_one() {
        for path in ["/a/b.rs", "/with space/ü/名.md", "/a:b/c+d/#e?f%g", "/"] {
            let uri = from_path(Path::new(path));
            assert!(uri.is_ascii(), "{uri}");
            assert_eq!(to_path(&uri), Some(PathBuf::from(path)));
        }
        let odd = PathBuf::from(OsString::from_vec(b"/not\xffutf8".to_vec()));
        assert_eq!(to_path(&from_path(&odd)), Some(odd));
        assert_eq!(to_path("file://localhost/x"), Some("/x".into()));
        for not in ["untitled:Untitled-1", "http://x/y", "file://other/x", "file:///a%00b", ""] {
            assert_eq!(to_path(not), None, "{not}");
        }
    }
}
