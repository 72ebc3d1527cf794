use std::fs;

use super::Ages;
use crate::model::id::Oid;

fn oid(letter: char) -> Oid {
    Oid(letter.to_string().repeat(40))
}

/// A common directory with refs; nothing else is looked at.
struct Repository(tempfile::TempDir);

impl Repository {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn point(&self, name: &str, to: &Oid) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{to}\n")).unwrap();
    }

    fn only(&self, ages: &Ages, commit: &Oid) -> bool {
        ages.only_in(self.0.path(), "refs/heads/divisi/own/work", commit)
    }
}

#[test]
fn what_was_there_before_does_not_contain_what_came_later() {
    let (repository, ages) = (Repository::new(), Ages::default());
    let (base, made, other) = (oid('a'), oid('b'), oid('c'));
    repository.point("refs/heads/main", &base);
    repository.point("refs/tags/v1", &base);
    ages.observe(repository.0.path());
    ages.made(&made, &[&base]);
    repository.point("refs/heads/divisi/own/work", &made);
    assert!(repository.only(&ages, &made));
    // Another session's commit on the same base, made later.
    ages.made(&other, &[&base]);
    repository.point("refs/heads/divisi/other/work", &other);
    assert!(repository.only(&ages, &made));
    // And one on top of this one.
    let above = oid('d');
    ages.made(&above, &[&base, &made]);
    repository.point("refs/heads/divisi/above/work", &above);
    assert!(!repository.only(&ages, &made), "it contains it");
}

#[test]
fn whatever_is_not_known_is_not_certain() {
    let (repository, ages) = (Repository::new(), Ages::default());
    let (base, made) = (oid('a'), oid('b'));
    repository.point("refs/heads/main", &base);
    assert!(!repository.only(&ages, &made), "somebody else made it");
    ages.made(&made, &[&base]);
    assert!(!repository.only(&ages, &made), "nobody looked before");
    ages.observe(repository.0.path());
    assert!(!repository.only(&ages, &made), "looked at too late");

    let ages = Ages::default();
    ages.observe(repository.0.path());
    ages.made(&made, &[&base]);
    assert!(repository.only(&ages, &made));
    for name in ["refs/heads/main", "refs/remotes/origin/x", "refs/tags/landed"] {
        let repository = Repository::new();
        repository.point("refs/heads/main", &base);
        repository.point(name, &oid('e'));
        assert!(!repository.only(&ages, &made), "{name} may contain it by now");
        repository.point(name, &made);
        assert!(!repository.only(&ages, &made), "{name} is it");
    }
    fs::write(repository.0.path().join("refs/heads/other"), "ref: refs/heads/main\n").unwrap();
    assert!(repository.only(&ages, &made), "another name of what is listed");
    fs::write(repository.0.path().join("refs/heads/odd"), "ref: refs/divisi/x\n").unwrap();
    assert!(!repository.only(&ages, &made), "any other symbolic ref is git's to read");
}
