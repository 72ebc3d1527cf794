use proptest::prelude::*;

use super::read;
use crate::model::evaluation::Protected;
use crate::model::plan::{ExportFormat, Keep, Metric, OnFailure, Plan};

const WHOLE: &str = r#"
version: 3
metadata: {name: "Comprehensive Evaluation Suite", description: "..."}
execution: {concurrency: 8, timeout_sec: 1800, retry_policy: {max_attempts: 3, backoff_ms: 1000}, budget: {usd: 20, tokens: 5000000}, on_failure: continue}
environments: {production: {amp_server_url: "https://x"}, development: {amp_cli_path: "/amp", amp_server_url: "https://localhost:7002"}}
agents:
  - {id: default-sonnet, agent: claude, agent_mode: default, model_override: "m"}
  - {id: custom-toolbox, agent: amp, toolbox_path: ./custom-tools, mcp_servers: [playwright]}
tasks:
  - {id: custom, type: batch, prompts: ["Add error handling", {id: jwt, prompt_file: jwt.md, follow_ups: ["Add tests"]}], repositories: [./backend, {path: ./frontend, base: develop}]}
matrix: {exclude: [{agent: custom-toolbox, prompt: jwt}]}
evaluators: [{id: check, kind: script, command: "make check"}]
land: on_pass
metrics: {collection: [success_rate, avg_iterations, token_usage, cost_analysis, execution_time, tool_usage_stats], export_formats: [jsonl, csv, html]}
"#;

fn whole() -> Plan {
    read(WHOLE, Some("production")).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// The problems of a text, as `line:column: message`.
fn problems(text: &str) -> Vec<String> {
    read(text, None).expect_err("it has problems").iter().map(ToString::to_string).collect()
}

/// A small plan with another line in it.
fn with(line: &str) -> String {
    format!(
        "version: 3\nagents: [{{id: a, agent: shell}}]\ntasks: [{{id: t, prompts: [x], repositories: [.]}}]\n{line}\n"
    )
}

#[test]
fn the_documented_plan_is_read_whole() {
    let plan = whole();
    assert_eq!(plan.execution.concurrency, 8);
    assert_eq!(plan.execution.budget.usd_micros, Some(20_000_000));
    assert_eq!(plan.execution.on_failure, OnFailure::Continue);
    assert_eq!(plan.agents[1].environment["AMP_URL"], "https://x");
    assert_eq!(plan.agents[1].environment["AMP_TOOLBOX"], "./custom-tools");
    assert!(!plan.agents[0].environment.contains_key("AMP_URL"));
    assert_eq!(plan.tasks[0].prompts[0].id, "p1");
    assert_eq!(plan.tasks[0].prompts[1].file.as_deref(), Some("jwt.md"));
    assert_eq!(plan.tasks[0].repositories[1].base.as_deref(), Some("develop"));
    assert_eq!(plan.exports, [ExportFormat::Jsonl, ExportFormat::Csv, ExportFormat::Html]);
    assert_eq!(plan.collection[5], Metric::ToolUsageStats);
    assert!(plan.land && plan.suite.is_some_and(|suite| suite.evaluators.len() == 1));
    assert_eq!(plan.execution.keep, Keep::All, "a small batch keeps everything");
}

#[test]
fn json_is_read_too() {
    let text = r#"{"version": 3, "agents": [{"id": "a", "agent": "shell"}], "tasks": [{"id": "t", "prompts": ["x"], "repositories": ["."]}]}"#;
    assert_eq!(read(text, None).unwrap(), read(&with(""), None).unwrap());
}

#[test]
fn what_is_wrong_is_told_at_its_place_with_a_suggestion() {
    let cases = [
        ("executon: {}", "4:1: the plan has no 'executon' (did you mean 'execution'?)"),
        ("execution: {concurency: 3}", "4:13: 'execution' has no 'concurency' (did you mean 'concurrency'?)"),
        ("execution: {concurrency: many}", "4:26: 'concurrency' has to be a whole number, 1 to 1000"),
        (
            "execution: {on_failure: stp}",
            "4:25: 'on_failure' has no 'stp': it is one of continue, stop (did you mean stop?)",
        ),
        ("land: on_pass", "4:7: 'on_pass' needs 'evaluators' that say what passes (did you mean never?)"),
        ("matrix: {include: [{agent: b}]}", "4:28: there is no agent 'b' in the plan"),
        ("matrix: {exclude: [{agent: a}]}", "1:1: the plan has no runs: the matrix leaves no combination"),
        (
            "metrics: {collection: [token_usag]}",
            "4:24: 'collection' has no 'token_usag': it is any of success_rate, avg_iterations, token_usage, cost_analysis, execution_time, tool_usage_stats (did you mean token_usage?)",
        ),
        ("version: 3", "4:1: 'version' is there already, in line 1"),
    ];
    for (line, expected) in cases {
        let found = problems(&with(line));
        let place = expected.split(' ').next().unwrap();
        assert!(
            found.iter().any(|problem| problem == expected || line == "version: 3" && problem.starts_with(place)),
            "{line}: {found:#?}"
        );
    }
}

#[test]
fn what_cannot_be_carried_out_is_refused_with_what_to_do() {
    let cli = "environments: {dev: {amp_cli_path: /amp}}";
    assert!(read(&with(cli), None).is_ok(), "one that is not chosen is nobody's trouble");
    let found = read(&with(cli), Some("dev")).expect_err("it cannot be used");
    assert!(found[0].message.contains("profile"), "{found:?}");
    let found = read(&with(cli), Some("def")).expect_err("there is none");
    assert_eq!(found[0].suggestion.as_deref(), Some("dev"));
    let secret = "version: 3\nagents: [{id: a, agent: shell, env: {API_TOKEN: x}}]\ntasks: [{id: t, prompts: [x], repositories: [.]}]\n";
    assert!(problems(secret)[0].contains("credential"));
}

#[test]
fn references_have_to_make_sense() {
    let tasks = |more: &str| {
        format!(
            "version: 3\nagents: [{{id: a, agent: shell}}]\ntasks:\n  - {{id: one, prompts: [x], repositories: [.]}}\n  - {more}\n"
        )
    };
    let cases = [
        (
            "{id: two, prompts: [x], repositories: [.], depends_on: [on]}",
            "5:61: 'two' depends on 'on', which is no task",
        ),
        ("{id: two, prompts: [x], repositories: [.], depends_on: [two]}", "5:61: 'two' depends on itself"),
        ("{id: one, prompts: [x], repositories: [.]}", "5:5: the task 'one' is there already, in line 4"),
        ("{id: two, prompts: [{id: p}], repositories: [.]}", "5:25: a prompt needs 'prompt' or 'prompt_file'"),
        ("{id: two, prompts: [], repositories: [.]}", "5:24: 'prompts' is empty"),
        ("{id: \"\\e[31m\", prompts: [x], repositories: [.]}", "5:5: an id has 1 to 64 letters"),
    ];
    for (task, expected) in cases {
        let found = problems(&tasks(task));
        assert!(found.iter().any(|problem| problem.starts_with(expected)), "{task}: {found:#?}");
    }
}

#[test]
fn files_of_amp_session_manager_are_read_with_notes() {
    let batch = "concurrency: 3\ndefaults: {baseBranch: main, scriptCommand: npm test, model: gpt-5, jsonLogs: true, timeoutSec: 1200, mergeOnPass: true}\nmatrix:\n  - {repo: /a, prompt: fix}\n  - {repo: /b, prompt: more, model: other}\n";
    let plan = read(batch, None).unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert_eq!(plan.execution.concurrency, 3);
    assert_eq!(plan.agents.iter().map(|agent| agent.model.as_deref().unwrap()).collect::<Vec<_>>(), ["gpt-5", "other"]);
    assert_eq!(plan.tasks[0].repositories[0].base.as_deref(), Some("main"));
    assert!(plan.land && plan.suite.is_some());
    assert_eq!(crate::batch::expand::runs(&plan, &"b".into()).len(), 2);
    assert!(plan.notes.iter().any(|note| note.contains("mergeOnPass -> land: on_pass")), "{:?}", plan.notes);
    let suites = "version: 1\nname: bench\nmodels: {default: {name: m1}, alloy: {name: m2}}\nsuites:\n  - id: s\n    cases:\n      - {id: c1, kind: session, repo: /a, prompt: fix, follow_up_prompts: [more]}\n";
    let plan = read(suites, None).unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert_eq!(crate::batch::expand::runs(&plan, &"b".into()).len(), 2);
    assert_eq!(plan.tasks[0].prompts[0].follow_ups, ["more"]);
    let odd = problems("defaults: {retries: 3}\nmatrix: [{repo: /a, prompt: x}]\n");
    assert_eq!(odd, ["1:12: 'defaults' has no 'retries'"]);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}", line in "[a-z_]{1,10}: [\\[\\]{}a-z0-9:, ]{0,40}") {
        let _ = read(&text, None);
        let _ = read(&with(&line), Some("x"));
        let _ = read(&format!("matrix: [{line}]"), None);
    }
}

/// A plan with a task of the type `evaluation`.
fn evaluation(more: &str) -> String {
    format!("version: 3\nagents: [{{id: a, agent: shell}}]\ntasks:\n  - {{id: swe, type: evaluation{more}}}\n")
}

#[test]
fn an_evaluation_says_where_its_cases_are_and_which_are_meant() {
    let text = evaluation(
        ", dataset: swe-bench-lite, cases_dir: ./eval_data, script_command: pytest, select: {ids: [x], size: 3, seed: 7}, repeat: 2",
    );
    let plan = read(&text, None).expect("a plan");
    let task = &plan.tasks[0];
    let cases = task.cases.as_ref().expect("cases");
    assert_eq!((cases.dataset.as_deref(), cases.cases_dir.as_deref()), (Some("swe-bench-lite"), Some("./eval_data")));
    assert_eq!((cases.select.size, cases.select.seed, task.repeat), (Some(3), 7, Some(2)));
    assert_eq!((cases.place("dataset").line, cases.place("dataset").column), (4, 42));
    assert!(task.prompts.is_empty(), "cases are read later");
    for (more, expected) in [
        ("", "4:5: a task of type 'evaluation' needs 'dataset', 'cases_dir' or both"),
        (", dataset: ''", "4:42: 'dataset' is empty"),
        (", dataset: d, best_of: 2", "4:54: 'best_of' is not for tasks of type 'evaluation'"),
        (", dataset: d, select: {sizes: 2}", "4:54: 'select' has no 'sizes' (did you mean 'size'?)"),
        (", dataset: d, select: {size: 0}", "4:60: "),
        (", dataset: d, variables: [A]", "4:56: 'variables' has to be a mapping"),
        (", dataset: d, variables: {A: {}}", "4:60: "),
        (", dataset: d, variables: {API_KEY: x}", "4:57: API_KEY names a credential"),
    ] {
        let found = problems(&evaluation(more));
        assert!(found.iter().any(|problem| problem.starts_with(expected)), "{more}: {found:#?}");
    }
    let given =
        read(&evaluation(", dataset: d, variables: {SSL_CERT_FILE: /etc/ca.pem, JOBS: 2}"), None).expect("a plan");
    let given = &given.tasks[0].cases.as_ref().expect("cases").variables;
    assert_eq!((given["SSL_CERT_FILE"].as_str(), given["JOBS"].as_str()), ("/etc/ca.pem", "2"));
    let batch = "version: 3\nagents: [{id: a, agent: shell}]\ntasks:\n  - {id: t, prompts: [x], repositories: [.], dataset: d}\n";
    assert!(problems(batch)[0].starts_with("4:55: 'dataset' is only for tasks of type 'evaluation'"));
}

#[test]
fn cases_of_amp_session_manager_become_evaluations() {
    let old = "version: 2\nname: b\nmodels: {x: {name: gpt-5}, y: {name: default}}\nsuites:\n  - {id: quick, swebench_cases_dir: ./eval_data/quick}\n";
    let plan = read(old, None).expect("a plan");
    assert_eq!(plan.tasks[0].cases.as_ref().and_then(|cases| cases.cases_dir.as_deref()), Some("./eval_data/quick"));
    assert_eq!((plan.agents.len(), plan.include.len()), (2, 2));
    assert!(plan.notes.iter().any(|note| note.starts_with("swebench_cases_dir -> ")), "{:?}", plan.notes);
}

#[test]
fn a_long_chain_of_tasks_is_read_quickly_and_a_circle_in_it_is_told() {
    let task = |number: u32, before: u32| {
        format!("  - {{id: t{number}, prompts: [x], repositories: [.], depends_on: [t{before}]}}\n")
    };
    let mut text =
        "version: 3\nagents: [{id: a, agent: shell}]\ntasks:\n  - {id: t0, prompts: [x], repositories: [.]}\n"
            .to_owned();
    for number in 1..4_000 {
        text.push_str(&task(number, number - 1));
    }
    let began = crate::base::clock::instant();
    assert_eq!(read(&text, None).unwrap().tasks.len(), 4_000);
    text.push_str(&task(4_000, 4_001));
    text.push_str(&task(4_001, 4_000));
    text.push_str(&task(4_002, 4_001));
    let told = problems(&text);
    assert_eq!(told.len(), 2, "only those in the circle: {told:?}");
    assert!(
        told[0].ends_with("'t4000' depends on itself, through t4001")
            && told[1].ends_with("'t4001' depends on itself, through t4000"),
        "{told:?}"
    );
    // Every task looked for from every other one takes minutes.
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
}

#[test]
fn the_names_of_old_files_are_plain_too() {
    let text = "matrix: [{repo: ., prompt: x, model: \"m\\e]0;x\\a\"}]\n";
    assert!(problems(text)[0].contains("an id has 1 to 64 letters"), "{:?}", problems(text));
    let blank = with("").replace("prompts: [x]", "prompts: [{id: ' ', prompt: x}]");
    assert!(problems(&blank)[0].contains("an id has 1 to 64 letters"), "{:?}", problems(&blank));
}

#[test]
fn what_holds_for_every_run_is_the_plans_also_where_only_a_task_says_what_judges() {
    let text = "version: 3\nagents: [{id: a, agent: shell}]\ntasks:\n  - {id: t, prompts: [x], repositories: [.], evaluators: [{id: e, kind: secrets}]}\n  \
                - {id: u, prompts: [x], repositories: [.]}\nrestore: [tests/**]\nprepare: {command: npm ci, timeout_sec: 5}\nprotected: fail\n";
    let plan = read(text, None).expect("a plan");
    let suite = crate::batch::suites::of(&plan, "t", "a").expect("a suite");
    assert_eq!((suite.restore.as_slice(), suite.protected), (&["tests/**".to_owned()][..], Protected::Fail));
    assert_eq!(suite.prepare.map(|prepare| (prepare.command, prepare.timeout_sec)), Some(("npm ci".to_owned(), 5)));
    assert_eq!(crate::batch::suites::of(&plan, "u", "a"), None, "what nobody judges is not judged by nothing");
    assert!(
        problems(&text.replace("fail", "fails"))[0].contains("did you mean fail"),
        "{:?}",
        problems(&text.replace("fail", "fails"))
    );
    assert!(problems(&text.replace("command: npm ci, ", ""))[0].contains("command"));
}

#[test]
fn evaluators_that_judge_no_case_are_told_with_their_line() {
    let text = "version: 3\nagents:\n  - {id: a, agent: shell, evaluators: [{id: e, kind: secrets}]}\n  - {id: b, agent: shell}\ntasks:\n  \
                - {id: swe, type: evaluation, dataset: d}\nevaluators: [{id: e, kind: secrets}]\n";
    let notes = read(text, None).expect("a plan").notes;
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].starts_with("line 7: the plan's 'evaluators' do not judge 'swe': "), "{notes:?}");
    assert!(notes[1].starts_with("line 3: the 'evaluators' of the agent 'a' do not judge 'swe': "), "{notes:?}");
    let none = text.replace("type: evaluation, dataset: d", "prompts: [x], repositories: [.]");
    assert_eq!(read(&none, None).expect("a plan").notes, Vec::<String>::new());
}
