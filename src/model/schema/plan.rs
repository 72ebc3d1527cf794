//! The keys of a plan, in one place: what the reader takes, and what its JSON Schema says.

use serde_json::Value;

use super::suite::{EVALUATOR, PREPARE, PROTECTED};
use crate::base::yaml::table::{Kind, Table, json, key, needed};

/// Seconds in a week: the longest time limit.
const WEEK: u64 = 7 * 24 * 3600;

/// The whole file.
pub const PLAN: Table = Table {
    what: "the plan",
    keys: &[
        needed("version", Kind::Number(3, 3), "The shape of the file: 3."),
        key("metadata", Kind::One(&METADATA), "What the plan is."),
        key("execution", Kind::One(&EXECUTION), "How it is carried out."),
        key("environments", Kind::Named(&ENVIRONMENT), "Places to run in; one is chosen with --environment."),
        needed("agents", Kind::Many(&AGENT), "Who works."),
        needed("tasks", Kind::Many(&TASK), "On what."),
        key("matrix", Kind::One(&MATRIX), "Which combinations are run; all without it."),
        key("evaluators", EVALUATORS, "What every run is judged by; tasks and agents add to it."),
        key("restore", Kind::Texts, "Paths and globs that are taken from the base before a run is judged."),
        PREPARE,
        PROTECTED,
        key("land", Kind::Word(&["never", "on_pass"]), "Whether a run that passed is landed; of 'best_of' the winner."),
        key("judge", Kind::One(&JUDGE), "Who compares the candidates of tasks with 'best_of' that name nobody."),
        key("metrics", Kind::One(&METRICS), "What the report shows, and what is written at the end."),
    ],
};

const METADATA: Table = Table {
    what: "'metadata'",
    keys: &[key("name", Kind::Text, "The plan's name."), key("description", Kind::Text, "What it is for.")],
};

const EXECUTION: Table = Table {
    what: "'execution'",
    keys: &[
        key("concurrency", Kind::Number(1, 1000), "Runs at the same time; 4 without it."),
        key("per_repository", Kind::Number(1, 1000), "Of them in one repository."),
        key(
            "timeout_sec",
            Kind::Number(1, WEEK),
            "How long an attempt may take, until what it made is judged; waiting to be landed does not count. 1800 without it.",
        ),
        key("retry_policy", Kind::One(&RETRY), "Attempts after a crash, a time-out or a rate limit."),
        key("budget", Kind::One(&BUDGET), "What the batch may cost, all attempts together."),
        key("on_failure", Kind::Word(&["continue", "stop"]), "What a failed run means for the others."),
        key("keep", Kind::Word(&["all", "failed", "none"]), "Whose worktrees stay; results are kept in any case."),
        key("repeat", Kind::Number(1, 100), "How often every combination is run."),
        key("seed", Kind::Number(0, u64::MAX), "For the jitter of the pauses."),
        key("min_memory_percent", Kind::Number(0, 90), "Available memory below which no run starts; 5 without it."),
        key(
            "max_load_percent",
            Kind::Number(1, 100_000),
            "Load per processor above which none starts; 800 without it.",
        ),
        key(
            "min_disk_mb",
            Kind::Number(0, 1_000_000),
            "Free MiB on the disks of worktrees and database below which none starts; 100 without it.",
        ),
    ],
};

const RETRY: Table = Table {
    what: "'retry_policy'",
    keys: &[
        key("max_attempts", Kind::Number(1, 20), "Attempts, the first included; 1 without it."),
        key("backoff_ms", Kind::Number(0, 3_600_000), "The first pause; doubled each time, with jitter."),
    ],
};

const BUDGET: Table = Table {
    what: "'budget'",
    keys: &[key("usd", Kind::Money, "Dollars."), key("tokens", Kind::Number(1, u64::MAX), "Tokens of all kinds.")],
};

const ENVIRONMENT: Table = Table {
    what: "an environment",
    keys: &[
        key("amp_server_url", Kind::Text, "The server of the agent amp (AMP_URL)."),
        key("amp_cli_path", Kind::Text, "The program of the agent amp."),
        key("env", Kind::TextMap, "Variables for every agent."),
    ],
};

const AGENT: Table = Table {
    what: "an agent",
    keys: &[
        needed("id", Kind::Text, "Its name in the plan."),
        needed("agent", Kind::Agent, "Its name in `divisi agents`."),
        key("agent_mode", Kind::Text, "The mode to ask for."),
        key("model_override", Kind::Text, "The model to ask for."),
        key("profile", Kind::Text, "A profile of the configuration."),
        key("toolbox_path", Kind::Text, "A directory of tools for the agent amp (AMP_TOOLBOX)."),
        key("mcp_servers", Kind::Texts, "Of the configured MCP servers only these."),
        key("env", Kind::TextMap, "Variables it is given; no credentials."),
        key("concurrency", Kind::Number(1, 1000), "Runs of it at the same time."),
        key("timeout_sec", Kind::Number(1, WEEK), "How long its attempts may take."),
        key("evaluators", EVALUATORS, "What its runs are judged by besides; one with a known id takes its place."),
    ],
};

const TASK: Table = Table {
    what: "a task",
    keys: &[
        needed("id", Kind::Text, "Its name in the plan."),
        key(
            "type",
            Kind::Word(&["batch", "evaluation"]),
            "Whether its runs do what its prompts say, or attempt cases of a benchmark; batch without it.",
        ),
        key("prompts", Kind::TextOrMany(&PROMPT), "What is asked; each is a run of its own."),
        key("repositories", Kind::TextOrMany(&REPOSITORY), "Where."),
        key("priority", Kind::Number(0, 1000), "Higher ones start first."),
        key("depends_on", Kind::Refs("tasks"), "Tasks whose runs all have to pass before."),
        key("timeout_sec", Kind::Number(1, WEEK), "How long an attempt may take."),
        key("repeat", Kind::Number(1, 100), "How often every combination is run."),
        key("evaluators", EVALUATORS, "What its runs are judged by besides; one with a known id takes its place."),
        key("restore", Kind::Texts, "Paths and globs that are taken from the base as well before its runs are judged."),
        key(
            "best_of",
            Kind::Number(1, 100),
            "Attempts of every agent, of which all together the best one wins; instead of 'repeat'.",
        ),
        key("judge", Kind::One(&JUDGE), "Who compares the candidates that passed; evidence decides without it."),
        key("dataset", Kind::Text, "For evaluations: the suite, a file or directory in 'cases_dir' by its name."),
        key(
            "cases_dir",
            Kind::Text,
            "For evaluations: where suites are, relative to the plan; else the plan's directory.",
        ),
        key("script_command", Kind::Text, "For evaluations: what judges cases that do not say it themselves."),
        key("select", Kind::One(&SELECT), "For evaluations: which cases; all without it."),
        key("repos_dir", Kind::Text, "For evaluations: where clones are of the repositories that instances name."),
        key("environments_file", Kind::Text, "For evaluations: what instances need to run here (Python, packages)."),
        key(
            "variables",
            Kind::TextMap,
            "For evaluations: variables of the cases' setups and tests, as this machine needs them; no credentials.",
        ),
        key(
            "containers",
            Kind::Word(&["auto", "never", "always"]),
            "For evaluations: whether instances of SWE-bench are judged in containers of their images: 'auto' where an engine works and the image is here, 'always' pulling images; without it as `bench.containers` says.",
        ),
        key(
            "network",
            Kind::Flag,
            "For evaluations: whether tests may use the network; without it as `bench.network` says, else as the case does.",
        ),
    ],
};

const SELECT: Table = Table {
    what: "'select'",
    keys: &[
        key("ids", Kind::Texts, "Only cases with these ids, or below them ('rust', 'rust/bowling')."),
        key("repositories", Kind::Texts, "Only those of these repositories: 'owner/repo', or 'repo'."),
        key("languages", Kind::Texts, "Only those in these languages."),
        key("size", Kind::Number(1, 10_000), "At most so many, chosen by 'seed'."),
        key("seed", Kind::Number(0, u64::MAX), "What the choice depends on; 0 without it."),
    ],
};

/// Evaluators, as in a suite.
const EVALUATORS: Kind = Kind::Many(&EVALUATOR);

const JUDGE: Table = Table {
    what: "a judge",
    keys: &[
        needed("agent", Kind::Agent, "Its name in `divisi agents`; it is never told whose work it sees."),
        key("model_override", Kind::Text, "The model to ask for."),
        key("agent_mode", Kind::Text, "The mode to ask for."),
        key("profile", Kind::Text, "A profile of the configuration."),
        key("rubric", Kind::Text, "What good work is."),
        key("timeout_sec", Kind::Number(1, WEEK), "How long it is waited for; 600 without it."),
    ],
};

const PROMPT: Table = Table {
    what: "a prompt",
    keys: &[
        key("id", Kind::Text, "Its name in the task."),
        key("prompt", Kind::Text, "The text."),
        key("prompt_file", Kind::Text, "The file with the text, relative to the plan."),
        key("follow_ups", Kind::Texts, "What is asked after that."),
    ],
};

const REPOSITORY: Table = Table {
    what: "a repository",
    keys: &[
        needed("path", Kind::Text, "Its path, relative to the plan."),
        key("base", Kind::Text, "The branch, tag or commit every run begins at."),
    ],
};

const MATRIX: Table = Table {
    what: "'matrix'",
    keys: &[
        key("include", Kind::Many(&SELECTOR), "Only these combinations."),
        key("exclude", Kind::Many(&SELECTOR), "Not these."),
    ],
};

const SELECTOR: Table = Table {
    what: "a combination",
    keys: &[
        key("agent", Kind::Ref("agents"), "An agent's id."),
        key("task", Kind::Ref("tasks"), "A task's id."),
        key("prompt", Kind::Text, "A prompt's id."),
        key("repository", Kind::Text, "A repository's path as in the plan."),
    ],
};

/// The words of `metrics.collection`.
pub const METRIC_WORDS: &[&str] =
    &["success_rate", "avg_iterations", "token_usage", "cost_analysis", "execution_time", "tool_usage_stats"];

/// The words of `metrics.export_formats`.
pub const FORMAT_WORDS: &[&str] = &["jsonl", "csv", "md", "html"];

const METRICS: Table = Table {
    what: "'metrics'",
    keys: &[
        key("collection", Kind::Words(METRIC_WORDS), "What the report shows; everything without it."),
        key("export_formats", Kind::Words(FORMAT_WORDS), "Reports that `divisi batch run` writes at the end."),
    ],
};

/// The JSON Schema (2020-12) of plans.
pub fn schema() -> Value {
    json::document("divisi batch plan", &PLAN)
}

#[cfg(test)]
mod tests;
