use std::os::unix::fs::PermissionsExt as _;

use super::*;

const PNG: &[u8] = &[0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3];

struct Place {
    _dir: tempfile::TempDir,
    here: PathBuf,
    files: AttachmentFiles,
    session: SessionId,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path().to_path_buf();
    let files = AttachmentFiles::new(&here.join("state"));
    fs::create_dir(here.join("state")).unwrap();
    Place { _dir: dir, here, files, session: SessionId::from("abcdefghij") }
}

impl Place {
    fn file(&self, name: &str, bytes: &[u8]) -> Attach {
        let path = self.here.join(name);
        fs::write(&path, bytes).unwrap();
        Attach { path: path.display().to_string(), image: false }
    }

    fn kept(&self) -> Vec<PathBuf> {
        let directory = self.files.directory(&self.session).unwrap();
        fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    }
}

#[test]
fn a_copy_is_what_the_file_was_when_it_was_accepted() {
    let place = place();
    let wanted = place.file("screen shot.txt", PNG);
    let kept = place.files.keep(&place.session, std::slice::from_ref(&wanted)).unwrap();
    fs::remove_file(&wanted.path).unwrap();
    // What it is follows from its content, not from its name.
    assert_eq!((kept[0].media_type.as_str(), kept[0].size), ("image/png", 11));
    let content = place.files.load(&place.session, &kept[0]);
    assert_eq!(content.bytes.as_deref(), Some(PNG));
    assert!(content.path.ends_with("-screen_shot.txt"), "{}", content.path);
    let mode = fs::metadata(&content.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // A copy that somebody changed is not what was accepted.
    fs::write(&content.path, b"other").unwrap();
    assert_eq!(place.files.load(&place.session, &kept[0]).bytes, None);
}

#[test]
fn what_is_refused_leaves_nothing() {
    let place = place();
    let good = place.file("good.png", PNG);
    let text = Attach { image: true, ..place.file("not.png", b"text") };
    let missing = Attach { path: place.here.join("missing").display().to_string(), image: false };
    let directory = Attach { path: place.here.display().to_string(), image: false };
    let relative = Attach { path: "good.png".to_owned(), image: false };
    let five = usize::try_from(LARGEST_IMAGE).unwrap();
    let large = place.file("large.png", &[PNG, &vec![0; five]].concat());
    for bad in [text, missing, directory, relative, large] {
        assert!(place.files.keep(&place.session, &[good.clone(), bad.clone()]).is_err(), "{bad:?}");
        assert_eq!(place.kept(), Vec::<PathBuf>::new(), "{bad:?}");
    }
    let many = vec![good.clone(); MOST + 1];
    assert!(place.files.keep(&place.session, &many).is_err());
    let almost: Vec<Attach> =
        (0..3).map(|n| place.file(&format!("{n}.png"), &[PNG, &[n], &vec![0; five - 100]].concat())).collect();
    assert!(place.files.keep(&place.session, &almost).is_err());
    assert_eq!(place.kept(), Vec::<PathBuf>::new());
}

#[test]
fn hostile_names_stay_in_their_directory() {
    assert_eq!(plain("../../etc/passwd"), "_.._etc_passwd");
    assert_eq!(plain("a\u{1b}[31m.png"), "a__31m.png");
    assert_eq!(plain("..."), "file");
    assert!(place().files.forget(&SessionId::from("../x")).is_err());
}

#[test]
fn what_belongs_to_no_session_is_swept() {
    let place = place();
    let file = place.file("a.txt", b"text");
    place.files.keep(&place.session, std::slice::from_ref(&file)).unwrap();
    let other = SessionId::from("klmnopqrst");
    place.files.keep(&other, &[file]).unwrap();
    place.files.sweep(&BTreeSet::from([other.clone()]));
    assert_eq!(place.kept(), Vec::<PathBuf>::new());
    assert!(place.files.directory(&other).unwrap().exists());
    place.files.forget(&other).unwrap();
    assert!(!place.files.directory(&other).unwrap().exists());
}
