use super::*;
use crate::model::agent::Protocol;
use crate::model::price::Price;

fn agent(tells: Tells) -> AgentDefinition {
    AgentDefinition {
        name: "a".to_owned(),
        description: String::new(),
        protocol: Protocol::Acp,
        command: vec!["a".to_owned()],
        environment: BTreeMap::new(),
        pass_environment: Vec::new(),
        base_url_variable: None,
        mode_variable: None,
        editor: None,
        tells,
        install_hint: None,
        source: "test".to_owned(),
        definition: None,
    }
}

#[test]
fn a_budget_that_cannot_count_an_agent_says_so() {
    let mut settings = Settings::default();
    let price = Price { input: 1, cache_read: 1, cache_write: 1, output: 1 };
    settings.prices.models.insert("m-1".to_owned(), price);
    let (usd, tokens) = (Budget { usd_micros: Some(1), tokens: None }, Budget { usd_micros: None, tokens: Some(1) });
    let both = Budget { usd_micros: Some(1), tokens: Some(1) };
    for (budget, tells, model, expected) in [
        (Budget::default(), Tells::Nothing, None, &[][..]),
        (usd, Tells::Nothing, Some("m-1"), &["it tells no cost, so the budget in dollars cannot stop it"][..]),
        (tokens, Tells::Nothing, None, &["it tells no tokens, so the budget in tokens cannot stop it"][..]),
        (both, Tells::Cost, None, &[][..]),
        (tokens, Tells::Tokens, None, &[][..]),
        (usd, Tells::Tokens, Some("m-1"), &[][..]),
        (usd, Tells::Tokens, Some("m-2"), &["no price for the model m-2"][..]),
        (usd, Tells::Tokens, None, &["name its `model`"][..]),
        (both, Tells::Unknown, None, &["whether it tells a cost", "whether it tells tokens"][..]),
    ] {
        let told = uncounted(&budget, &agent(tells), model, &settings);
        assert_eq!(told.len(), expected.len(), "{tells:?} {model:?}: {told:?}");
        assert!(told.iter().zip(expected).all(|(told, expected)| told.contains(expected)), "{told:?}");
    }
}

#[test]
fn somebody_is_found_where_the_plan_names_them() {
    let text =
        "tasks: [{id: shell, prompts: [codex]}]\nagents:\n  - {id: codex, agent: codex}\n  - {id: b, agent: shell}\n";
    let root = yaml::parse(text, &mut Problems::default());
    let at = |agent: &str| place(root.as_ref(), "agent", agent);
    assert_eq!(at("codex"), Place { line: 3, column: 24 });
    assert_eq!(at("shell"), Place { line: 4, column: 20 });
    assert_eq!(at("nobody"), Place { line: 1, column: 1 });
}
