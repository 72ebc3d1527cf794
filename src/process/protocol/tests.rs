use super::*;

fn write() -> Request {
    Request { version: VERSION, id: 7, verb: Verb::Write { key: "prompt \u{1b}\"".into() } }
}

#[test]
fn a_frame_arrives_whole_however_it_is_cut() {
    let mut bytes = Vec::new();
    encode(&mut bytes, &write(), &[0, 1, 255]);
    let length = bytes.len();
    for cut in 0..length {
        assert_eq!(decode::<Request>(&bytes[..cut]), Ok(None), "{cut}");
    }
    encode(&mut bytes, &Request { version: VERSION, id: 8, verb: Verb::Ping }, b"");
    let frame = decode::<Request>(&bytes).unwrap().unwrap();
    assert_eq!(frame, Frame { head: write(), body: vec![0, 1, 255], length });
    let next = decode::<Request>(&bytes[length..]).unwrap().unwrap();
    assert_eq!((next.head.id, next.head.verb), (8, Verb::Ping));
}

#[test]
fn hostile_frames_are_errors() {
    let frame =
        |length: u32, head: u32, rest: &[u8]| [&length.to_le_bytes()[..], &head.to_le_bytes()[..], rest].concat();
    for (name, bytes) in [
        ("nothing", frame(0, 0, b"")),
        ("huge", frame(u32::MAX, 0, b"")),
        ("head beyond the frame", frame(6, 3, b"{}")),
        ("no json", frame(6, 2, b"{x")),
        ("unknown verb", frame(36, 32, br#"{"version":1,"id":1,"do":"fly" }"#)),
        ("invalid utf-8", frame(6, 2, &[255, 254])),
    ] {
        assert!(decode::<Request>(&bytes).is_err(), "{name}");
    }
}
