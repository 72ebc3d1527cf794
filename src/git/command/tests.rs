use super::version_of;

#[test]
fn versions_are_read() {
    assert_eq!(version_of("git version 2.47.3"), Some((2, 47)));
    assert_eq!(version_of("git version 2.39.5 (Apple Git-154)"), Some((2, 39)));
    assert_eq!(version_of("git version 2.50.GIT"), Some((2, 50)));
    assert_eq!(version_of("got version 3"), None);
}
