//! Which reader has which name, and which project uses which: facts of the harness and its datasets.

use super::{Read, Subject, c, django, doctest, java, javascript as js, lines, pytest, ruby, sympy};
use crate::eval::swebench::Compat;

/// What a project is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// C and C++
    C,
    /// Go
    Go,
    /// Java
    Java,
    /// JavaScript and TypeScript
    JavaScript,
    /// PHP
    Php,
    /// Python
    Python,
    /// Ruby
    Ruby,
    /// Rust
    Rust,
}

impl Language {
    /// Its name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Go => "go",
            Self::Java => "java",
            Self::JavaScript => "javascript",
            Self::Php => "php",
            Self::Python => "python",
            Self::Ruby => "ruby",
            Self::Rust => "rust",
        }
    }
}

/// A reader of logs.
pub struct Parser {
    /// Its name in datasets.
    pub name: &'static str,
    /// What the projects that use it are written in.
    pub language: Language,
    read: for<'a> fn(&'a str, &Subject<'_>) -> Read<'a>,
}

impl Parser {
    /// By name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PARSERS.iter().find(|parser| parser.name == name)
    }

    /// By project, for datasets that name no reader; v4 always goes by project and knows fewer.
    pub fn of_repo(repo: &str, compat: Compat) -> Option<&'static Self> {
        let newer = || REPOS_SINCE_V5.iter().filter(|_| compat == Compat::V5);
        REPOS.iter().chain(newer()).find(|(name, _)| *name == repo).and_then(|(_, parser)| Self::named(parser))
    }

    /// All of them.
    pub fn all() -> &'static [Self] {
        PARSERS
    }

    /// What the log says of each test.
    ///
    /// # Errors
    /// When the harness' own reader breaks off.
    pub fn read<'a>(&self, log: &'a str, subject: &Subject<'_>) -> Read<'a> {
        (self.read)(log, subject)
    }
}

impl std::fmt::Debug for Parser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const fn parser(name: &'static str, language: Language, read: for<'a> fn(&'a str, &Subject<'_>) -> Read<'a>) -> Parser {
    Parser { name, language, read }
}

use Language::{C, Go, Java, JavaScript, Php, Python, Ruby, Rust};

const PARSERS: &[Parser] = &[
    parser("parse_log_pytest", Python, pytest::plain),
    parser("parse_log_pytest_options", Python, pytest::options),
    parser("parse_log_django", Python, django::read),
    parser("parse_log_pytest_v2", Python, pytest::later),
    parser("parse_log_seaborn", Python, pytest::seaborn),
    parser("parse_log_sympy", Python, sympy::read),
    parser("parse_log_matplotlib", Python, pytest::matplotlib),
    parser("parse_log_astroid", Python, pytest::plain),
    parser("parse_log_flask", Python, pytest::plain),
    parser("parse_log_marshmallow", Python, pytest::plain),
    parser("parse_log_pvlib", Python, pytest::plain),
    parser("parse_log_pyvista", Python, pytest::plain),
    parser("parse_log_sqlfluff", Python, pytest::plain),
    parser("parse_log_xarray", Python, pytest::plain),
    parser("parse_log_pydicom", Python, pytest::options),
    parser("parse_log_requests", Python, pytest::options),
    parser("parse_log_pylint", Python, pytest::options),
    parser("parse_log_astropy", Python, pytest::later),
    parser("parse_log_scikit", Python, pytest::later),
    parser("parse_log_sphinx", Python, pytest::later),
    parser("parse_log_calypso", JavaScript, js::calypso),
    parser("parse_log_bpmn_js", JavaScript, js::bpmn_js),
    parser("parse_log_carbon", JavaScript, js::carbon),
    parser("parse_log_eslint", JavaScript, js::eslint),
    parser("parse_log_grommet", JavaScript, js::grommet),
    parser("parse_log_highlightjs", JavaScript, js::highlightjs),
    parser("parse_log_lighthouse", JavaScript, js::lighthouse),
    parser("parse_log_next", JavaScript, js::next),
    parser("parse_log_openlayers", JavaScript, js::openlayers),
    parser("parse_log_prismjs", JavaScript, js::prismjs),
    parser("parse_log_quarto_cli", JavaScript, js::quarto_cli),
    parser("parse_log_chart_js", JavaScript, js::chart_js),
    parser("parse_log_marked", JavaScript, js::marked),
    parser("parse_log_p5js", JavaScript, js::p5js),
    parser("parse_log_react_pdf", JavaScript, js::carbon),
    parser("parse_log_jest", JavaScript, js::jest),
    parser("parse_log_jest_json", JavaScript, js::jest_json),
    parser("parse_log_vitest", JavaScript, js::vitest),
    parser("parse_log_karma", JavaScript, js::karma),
    parser("parse_log_tap", JavaScript, js::tap),
    parser("parse_log_immutable_js", JavaScript, js::immutable_js),
    parser("parse_log_redis", C, c::redis),
    parser("parse_log_jq", C, c::jq),
    parser("parse_log_doctest", C, doctest::read),
    parser("parse_log_micropython_test", C, c::micropython),
    parser("parse_log_googletest", C, c::googletest),
    parser("parse_log_gotest", Go, lines::gotest),
    parser("parse_log_maven", Java, java::maven),
    parser("parse_log_ant", Java, java::ant),
    parser("parse_log_gradle_custom", Java, java::gradle),
    parser("parse_log_phpunit", Php, lines::phpunit),
    parser("parse_log_minitest", Ruby, ruby::minitest),
    parser("parse_log_cucumber", Ruby, ruby::cucumber),
    parser("parse_log_ruby_unit", Ruby, ruby::unit),
    parser("parse_log_rspec_transformed_json", Ruby, ruby::rspec),
    parser("parse_log_jekyll", Ruby, ruby::jekyll),
    parser("parse_log_cargo", Rust, lines::cargo),
];

/// Projects and their readers, in v4 and v5.
const REPOS: &[(&str, &str)] = &[
    ("astropy/astropy", "parse_log_astropy"),
    ("django/django", "parse_log_django"),
    ("marshmallow-code/marshmallow", "parse_log_marshmallow"),
    ("matplotlib/matplotlib", "parse_log_matplotlib"),
    ("mwaskom/seaborn", "parse_log_seaborn"),
    ("pallets/flask", "parse_log_flask"),
    ("psf/requests", "parse_log_requests"),
    ("pvlib/pvlib-python", "parse_log_pvlib"),
    ("pydata/xarray", "parse_log_xarray"),
    ("pydicom/pydicom", "parse_log_pydicom"),
    ("pylint-dev/astroid", "parse_log_astroid"),
    ("pylint-dev/pylint", "parse_log_pylint"),
    ("pytest-dev/pytest", "parse_log_pytest"),
    ("pyvista/pyvista", "parse_log_pyvista"),
    ("scikit-learn/scikit-learn", "parse_log_scikit"),
    ("sqlfluff/sqlfluff", "parse_log_sqlfluff"),
    ("sphinx-doc/sphinx", "parse_log_sphinx"),
    ("sympy/sympy", "parse_log_sympy"),
    ("redis/redis", "parse_log_redis"),
    ("jqlang/jq", "parse_log_jq"),
    ("nlohmann/json", "parse_log_doctest"),
    ("micropython/micropython", "parse_log_micropython_test"),
    ("valkey-io/valkey", "parse_log_redis"),
    ("fmtlib/fmt", "parse_log_googletest"),
    ("caddyserver/caddy", "parse_log_gotest"),
    ("hashicorp/terraform", "parse_log_gotest"),
    ("prometheus/prometheus", "parse_log_gotest"),
    ("gohugoio/hugo", "parse_log_gotest"),
    ("gin-gonic/gin", "parse_log_gotest"),
    ("google/gson", "parse_log_maven"),
    ("apache/druid", "parse_log_maven"),
    ("javaparser/javaparser", "parse_log_maven"),
    ("projectlombok/lombok", "parse_log_ant"),
    ("apache/lucene", "parse_log_gradle_custom"),
    ("reactivex/rxjava", "parse_log_gradle_custom"),
    ("Automattic/wp-calypso", "parse_log_calypso"),
    ("chartjs/Chart.js", "parse_log_chart_js"),
    ("markedjs/marked", "parse_log_marked"),
    ("processing/p5.js", "parse_log_p5js"),
    ("diegomura/react-pdf", "parse_log_react_pdf"),
    ("babel/babel", "parse_log_jest"),
    ("vuejs/core", "parse_log_vitest"),
    ("facebook/docusaurus", "parse_log_jest"),
    ("immutable-js/immutable-js", "parse_log_immutable_js"),
    ("mrdoob/three.js", "parse_log_tap"),
    ("preactjs/preact", "parse_log_karma"),
    ("axios/axios", "parse_log_tap"),
    ("phpoffice/phpspreadsheet", "parse_log_phpunit"),
    ("laravel/framework", "parse_log_phpunit"),
    ("php-cs-fixer/php-cs-fixer", "parse_log_phpunit"),
    ("briannesbitt/carbon", "parse_log_phpunit"),
    ("jekyll/jekyll", "parse_log_jekyll"),
    ("fluent/fluentd", "parse_log_ruby_unit"),
    ("fastlane/fastlane", "parse_log_rspec_transformed_json"),
    ("jordansissel/fpm", "parse_log_rspec_transformed_json"),
    ("faker-ruby/faker", "parse_log_ruby_unit"),
    ("rubocop/rubocop", "parse_log_rspec_transformed_json"),
    ("burntsushi/ripgrep", "parse_log_cargo"),
    ("sharkdp/bat", "parse_log_cargo"),
    ("astral-sh/ruff", "parse_log_cargo"),
    ("tokio-rs/tokio", "parse_log_cargo"),
    ("uutils/coreutils", "parse_log_cargo"),
    ("nushell/nushell", "parse_log_cargo"),
    ("tokio-rs/axum", "parse_log_cargo"),
];

/// Projects that v4 does not know.
const REPOS_SINCE_V5: &[(&str, &str)] = &[
    ("alibaba-fusion/next", "parse_log_next"),
    ("bpmn-io/bpmn-js", "parse_log_bpmn_js"),
    ("carbon-design-system/carbon", "parse_log_carbon"),
    ("eslint/eslint", "parse_log_eslint"),
    ("GoogleChrome/lighthouse", "parse_log_lighthouse"),
    ("grommet/grommet", "parse_log_grommet"),
    ("highlightjs/highlight.js", "parse_log_highlightjs"),
    ("openlayers/openlayers", "parse_log_openlayers"),
    ("PrismJS/prism", "parse_log_prismjs"),
    ("quarto-dev/quarto-cli", "parse_log_quarto_cli"),
];
