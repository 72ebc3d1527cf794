//! The control socket, spoken to by somebody who does not know how.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use divisi::host::port::Jobs as _;

use super::support::{House, everything};

fn frame(head: &str, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(4 + head.len() + body.len()).unwrap().to_le_bytes();
    let head_length = u32::try_from(head.len()).unwrap().to_le_bytes();
    [&length[..], &head_length[..], head.as_bytes(), body].concat()
}

fn answer(stream: &mut UnixStream) -> Option<String> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut rest = vec![0; u32::from_le_bytes(length) as usize];
    stream.read_exact(&mut rest).ok()?;
    Some(String::from_utf8(rest[4..].to_vec()).unwrap())
}

#[tokio::test]
async fn nonsense_is_answered_or_cut_off_and_the_job_goes_on() {
    let house = House::new();
    let mut handle = house.start("a.j1", "read x; echo $x").await;
    let socket = house.job_directory("a.j1").join("control.sock");
    let call = || {
        let stream = UnixStream::connect(&socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    };
    for (head, expected) in [
        (r#"{"version":1,"id":3,"do":"ping"}"#, Some(r#"{"answer":{"id":3}}"#)),
        (r#"{"version":1,"id":4,"do":"fly"}"#, Some("does not understand")),
        (r#"{"version":1,"id":5,"do":"stop"}"#, Some("does not understand")),
        (r#"{"version":2,"id":6,"do":"ping"}"#, Some("speaks version 1")),
        (r#"{"version":1,"do":"ping"}"#, None),
        ("[]", None),
        ("{", None),
    ] {
        let mut stream = call();
        stream.write_all(&frame(head, b"")).unwrap();
        let said = answer(&mut stream);
        match expected {
            Some(part) => assert!(said.as_ref().is_some_and(|said| said.contains(part)), "{head}: {said:?}"),
            None => assert_eq!(said, None, "{head}"),
        }
    }
    for bytes in [&[255; 64][..], &[0; 64], b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = call();
        stream.write_all(bytes).unwrap();
        assert_eq!(answer(&mut stream), None);
    }
    // Many who say nothing, or half of something, keep nobody from working.
    let idle: Vec<UnixStream> = (0..12).map(|_| call()).collect();
    (&idle[0]).write_all(&frame(r#"{"version":1,"id":7,"do":"ping"}"#, b"")[..9]).unwrap();
    handle.control.write("w", b"fine\n").await.unwrap();
    assert_eq!(everything(&mut *handle.reader).await.text(), "fine\n");
}

#[tokio::test]
async fn two_daemons_at_once_each_hear_all_and_a_key_counts_once() {
    let house = House::new();
    let mut first = house.start("a.j1", "while read x; do echo $x; done").await;
    let mut second = house.attach_alive("a.j1").await;
    let (one, two) = tokio::join!(first.control.write("k", b"one\n"), second.control.write("k", b"two\n"));
    one.unwrap();
    two.unwrap();
    first.control.close_stdin().await.unwrap();
    let heard = everything(&mut *first.reader).await;
    assert_eq!(heard, everything(&mut *second.reader).await);
    assert!(heard.text() == "one\n" || heard.text() == "two\n", "{:?}", heard.text());
    assert_eq!(heard.keys(), ["k"]);
    house.driver.forget(&"a.j1".into()).await.unwrap();
}
