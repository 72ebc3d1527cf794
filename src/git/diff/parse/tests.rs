use crate::model::diff::FileStatus;

use super::parse;

const A: &str = "1111111111111111111111111111111111111111";
const B: &str = "2222222222222222222222222222222222222222";

#[test]
fn a_rename_a_binary_file_and_a_text_with_odd_content() {
    let output = format!(
        ":100644 100644 {A} {B} R090\0old name\0new\tname\0:000000 100644 {A} {B} A\0bin\0:100644 100644 {A} {B} M\0x\0\
         1\t1\t\0old name\0new\tname\0-\t-\tbin\x00\
         2\t1\tx\0\0\
         diff --git a/old name \"b/new\\tname\"\nsimilarity index 90%\nrename from old name\nrename to \"new\\tname\"\n\
         --- a/old name\t\n+++ \"b/new\\tname\"\n@@ -1 +1 @@\n-a\n+b\n\
         diff --git a/bin b/bin\nnew file mode 100644\nBinary files /dev/null and b/bin differ\n\
         diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@ fn x\n diff --git a/y b/y\n--- a/y\n+++ b/y\n+@@ -1 +1 @@\n\\ No newline at end of file\n"
    );
    let parsed = parse(output.as_bytes(), true);
    let files = &parsed.diff.files;
    assert_eq!(files.len(), 3);
    assert_eq!(files[0].path, "\"new\\tname\"");
    assert_eq!(files[0].old_path.as_deref(), Some("old name"));
    assert_eq!(files[0].status, FileStatus::Renamed);
    assert_eq!(files[0].hunks.len(), 1);
    assert!(files[1].binary && files[1].hunks.is_empty());
    assert_eq!(files[2].hunks.len(), 1);
    assert_eq!(files[2].hunks[0].heading, "fn x");
    assert_eq!(files[2].hunks[0].lines.len(), 5);
    assert_eq!((parsed.diff.stat.files, parsed.diff.stat.added, parsed.diff.stat.removed), (3, 3, 2));
}

#[test]
fn a_cut_patch_leaves_counts() {
    let output = format!(
        ":100644 100644 {A} {B} M\0x\0:100644 100644 {A} {B} M\0y\x001\t1\tx\x001\t1\ty\0\0\
         diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n"
    );
    let parsed = parse(output.as_bytes(), true);
    assert!(parsed.diff.files.iter().all(|file| file.binary && file.hunks.is_empty() && file.added == 1));
}

#[test]
fn identity_is_by_content_with_its_context() {
    let ids = |hunks: &[(u32, &str)]| {
        let mut output = format!(
            ":100644 100644 {A} {B} M\0x\x004\t2\tx\0\0diff --git a/x b/x\nindex {A}..{B} 100644\n--- a/x\n+++ b/x\n"
        );
        for (start, context) in hunks {
            let hunk = format!("@@ -{start},2 +{start},2 @@\n {context}\n-a\n+b\n");
            output.push_str(&hunk);
        }
        let parsed = parse(output.as_bytes(), true);
        assert_eq!(parsed.diff.files[0].content.as_deref(), Some(B));
        parsed.diff.files[0].hunks.iter().map(|hunk| hunk.id.clone()).collect::<Vec<_>>()
    };
    let both = ids(&[(1, "one"), (90, "two")]);
    assert_ne!(both[0], both[1]);
    assert_eq!(both[0].as_str().len(), 16);
    assert_eq!(both, ids(&[(7, "one"), (97, "two")]), "lines that come before change nothing");
    assert_eq!(both[1..], ids(&[(90, "two")]), "nor does the end of an equal change");
    let same = ids(&[(1, "one"), (90, "one")]);
    assert_ne!(same[0], same[1]);
}

#[test]
fn garbage_is_no_panic() {
    for bytes in
        [&b":"[..], b":100644\0", b"1\t", b"\0diff --git a/x b/x\n@@ -1,999 +1 @@\n-x\n", b":a b c d M\0x\0\0@@"]
    {
        parse(bytes, true);
    }
}
