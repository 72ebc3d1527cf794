use rmpv::Value as Pack;
use serde_json::json;

use super::decode;

#[test]
fn a_request_is_decoded_and_an_empty_lua_table_means_no_parameters() {
    let params = Pack::Map(vec![(Pack::from("session"), Pack::from("a")), (Pack::from("discard"), Pack::from(true))]);
    let ask = decode("request", &[Pack::from(3), Pack::from("session/remove"), params]).unwrap();
    assert_eq!(
        (ask.id, ask.method.as_str(), ask.params),
        (3, "session/remove", json!({ "session": "a", "discard": true }))
    );
    for empty in [Pack::Array(Vec::new()), Pack::Nil] {
        assert_eq!(decode("request", &[Pack::from(1), Pack::from("m"), empty]).unwrap().params, json!({}));
    }
    assert_eq!(decode("request", &[Pack::from(1), Pack::from("m")]).unwrap().params, json!({}));
}

#[test]
fn anything_else_is_nothing() {
    assert_eq!(decode("other", &[Pack::from(1), Pack::from("m")]), None);
    assert_eq!(decode("request", &[]), None);
    assert_eq!(decode("request", &[Pack::from("one"), Pack::from("m")]), None);
    assert_eq!(decode("request", &[Pack::from(1), Pack::from(2)]), None);
}
