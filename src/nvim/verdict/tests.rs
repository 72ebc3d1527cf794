use serde_json::{Value, json};

use super::{gates, newest};

fn view(fields: &Value) -> Value {
    let mut evaluation = json!({
        "id": "aaaaaaaaaa.e1", "suite": "gates", "commit": "0123456789".repeat(4), "good": 3, "ended": 3, "evaluators": 3,
        "state": "done", "started_at": 1,
    });
    for (name, value) in fields.as_object().unwrap() {
        evaluation[name] = value.clone();
    }
    json!({ "evaluation": evaluation })
}

#[test]
fn the_newest_evaluation_is_a_sign_a_count_and_a_line() {
    let cases = [
        (json!({ "passed": true, "score": 91 }), "passed", "✓ 3/3", "passed, 3 of 3, score 91"),
        (json!({ "good": 1 }), "failed", "✗ 1/3", "failed, 1 of 3 passed"),
        (json!({ "state": "running", "ended": 2 }), "running", "… 2/3", "2 of 3 done"),
        (json!({ "state": "cancelled" }), "none", "■ evals", "stopped"),
        (
            json!({ "state": "interrupted", "reason": "a \u{1b}[31mrestart" }),
            "failed",
            "■ evals",
            "cut off, a ␛[31mrestart",
        ),
    ];
    for (fields, state, short, words) in cases {
        let seen = newest(&view(&fields)).unwrap();
        assert_eq!((&seen["state"], &seen["short"]), (&json!(state), &json!(short)), "{fields}");
        assert_eq!(seen["words"], format!("gates at 0123456789: {words}"), "{fields}");
    }
}

#[test]
fn without_an_evaluation_or_with_one_nobody_knows_there_is_nothing() {
    for odd in
        [json!({}), json!({ "evaluation": null }), json!({ "evaluation": 3 }), view(&json!({ "state": "pondering" }))]
    {
        assert_eq!(newest(&odd), None, "{odd}");
    }
}

#[test]
fn gates_say_how_a_landing_stands_and_what_to_do() {
    let stand = |standing: &str| {
        gates(
            &json!({ "gates": { "suite": "g", "required": ["tests", "lint"], "standing": standing, "failed": ["lint"] } }),
        )
    };
    assert_eq!(stand("passed").unwrap(), "g: passed at this commit");
    assert_eq!(stand("failed").unwrap(), "g: not passed: lint");
    assert_eq!(stand("running").unwrap(), "g: being judged");
    assert!(stand("unjudged").unwrap().contains(":Divisi eval"));
    assert!(stand("stale").unwrap().contains("newest changes"));
    assert_eq!((stand("odd"), gates(&json!({}))), (None, None));
    let asks =
        json!({ "suite": "g", "required": [], "standing": "passed", "failed": [], "asks": "it changed conftest.py" });
    assert_eq!(
        gates(&json!({ "gates": asks })).unwrap(),
        "g: passed at this commit; look first: it changed conftest.py"
    );
}
