use super::*;

fn servers() -> BTreeMap<String, McpServer> {
    let text = "
        [a]
        command = 'x'
        env = { LEVEL = 'debug', TOKEN = 'env:TOKEN' }
        [b]
        url = 'https://h'
        headers = { Authorization = 'Bearer env:OTHER' }";
    toml_edit::de::from_str(text).unwrap()
}

#[test]
fn a_process_is_told_names_of_variables_and_never_a_secret() {
    let told = with_variables(&servers());
    assert_eq!(told["a"].env["LEVEL"], "debug");
    assert_eq!(told["a"].env["TOKEN"], "${DIVISI_MCP_0}");
    assert_eq!(told["b"].headers["Authorization"], "${DIVISI_MCP_1}");
    let set = variables(&servers(), |name| Some(format!("<{name}>"))).unwrap();
    assert_eq!(set["DIVISI_MCP_0"], "<TOKEN>");
    assert_eq!(set["DIVISI_MCP_1"], "Bearer <OTHER>");
}

#[test]
fn a_variable_that_is_not_set_is_said_by_name() {
    let refusal = variables(&servers(), |name| (name == "TOKEN").then(String::new)).unwrap_err();
    assert!(refusal.message.contains("server b needs the variable OTHER"), "{refusal}");
}
