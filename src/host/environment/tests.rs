use std::collections::{BTreeMap, BTreeSet};

use super::of_program;
use crate::host::port::AgentDefinition;
use crate::model::agent::Protocol;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn what_was_given_to_the_session_is_not_replaced() {
    let agent = AgentDefinition {
        name: "a".to_owned(),
        description: String::new(),
        protocol: Protocol::Acp,
        command: vec!["a".to_owned()],
        environment: map(&[("RETRIES", "agent"), ("HOME", "agent"), ("QUIET", "agent")]),
        pass_environment: ["KEY", "BASE_URL", "UNSET", "GIT_DIR"].map(str::to_owned).to_vec(),
        base_url_variable: None,
        mode_variable: None,
        editor: None,
        tells: crate::model::tells::Tells::Unknown,
        install_hint: None,
        source: "test".to_owned(),
        definition: None,
    };
    let daemon = map(&[
        ("KEY", "daemon"),
        ("BASE_URL", "daemon"),
        ("GIT_DIR", "daemon"),
        ("HOME", "daemon"),
        ("OTHER", "daemon"),
    ]);
    let session = map(&[("HOME", "daemon"), ("BASE_URL", "given"), ("QUIET", "given")]);
    let given: BTreeSet<String> = ["BASE_URL", "QUIET"].map(str::to_owned).into();
    let expected =
        [("BASE_URL", "given"), ("HOME", "agent"), ("KEY", "daemon"), ("QUIET", "given"), ("RETRIES", "agent")];
    assert_eq!(of_program(&daemon, &agent, session, &given), map(&expected));
}
