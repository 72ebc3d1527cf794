use super::counted;
use crate::model::diff::DiffStat;

#[test]
fn only_gits_own_words_count() {
    let said = |text: &str| counted(text.as_bytes()).map(|DiffStat { files, added, removed }| (files, added, removed));
    assert_eq!(said("[x 1a2b3c4] m\n 1 file changed, 1 insertion(+)\n create mode 100644 a\n"), Some((1, 1, 0)));
    assert_eq!(
        said("[x 1a] m\n Author: a <b@c>\n 2 files changed, 30 insertions(+), 1 deletion(-)\n"),
        Some((2, 30, 1))
    );
    assert_eq!(said("[x 1a] m\n 1 file changed, 0 insertions(+), 0 deletions(-)\n"), Some((1, 0, 0)));
    assert_eq!(said("[x 1a]  9 files changed, 9 insertions(+)\n"), None, "that is the message");
    assert_eq!(said("[x 1a] m\n 1 file changed, many insertions(+)\n"), None);
    assert_eq!(said(""), None);
}
