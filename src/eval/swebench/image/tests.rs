use super::*;

#[test]
fn an_image_is_called_as_the_dataset_says_or_as_the_harness_does() {
    let instance = Instance {
        instance_id: "Acme__Anvil-1".to_owned(),
        image: Some("registry.example:5000/own/anvil@sha256:0123".to_owned()),
        ..Instance::default()
    };
    assert_eq!(
        image_names(&instance, "x86_64"),
        [
            "registry.example:5000/own/anvil@sha256:0123",
            "swebench/sweb.eval.x86_64.acme_1776_anvil-1:latest",
            "sweb.eval.x86_64.acme__anvil-1:latest"
        ]
    );
    let named = Instance { image: Some("swebench/sweb.eval.x86_64.acme_1776_anvil-1:latest".to_owned()), ..instance };
    assert_eq!(image_names(&named, "x86_64").len(), 2, "a name is looked for once");
}

#[test]
fn what_is_no_reference_is_never_given_to_an_engine() {
    for text in
        ["--privileged", "-v/:/host", "a b", "a;b", "a\nb", "", "docker-archive:/etc/passwd", "../x", "a//b", "ä"]
    {
        assert!(!is_reference(text), "{text:?}");
        let instance = Instance { instance_id: "x".to_owned(), image: Some(text.to_owned()), ..Instance::default() };
        assert_eq!(image_names(&instance, "arm64").len(), 2, "{text:?}");
    }
    let hostile = Instance { instance_id: "x --net=host".to_owned(), ..Instance::default() };
    assert!(image_names(&hostile, "x86_64").is_empty());
}
