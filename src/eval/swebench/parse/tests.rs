use super::*;

/// Logs in the shapes that runners print, and what they say. Odd ones are asked of the harness itself in `tests/swebench`.
type Sample = (&'static [&'static str], &'static str, &'static [(&'static str, &'static str)]);

const SAMPLES: &[Sample] = &[
    (
        &["parse_log_pytest", "parse_log_flask", "parse_log_xarray", "parse_log_matplotlib"],
        "collected 6 items\nPASSED t.py::a\nFAILED t.py::b - AssertionError: no\nERROR t.py::c\nSKIPPED [2] t.py:3: why\nXFAIL t.py::d - known\nERROR: broken x\n",
        &[
            ("t.py::a", "PASSED"),
            ("t.py::b", "FAILED"),
            ("t.py::c", "ERROR"),
            ("t.py::d", "XFAIL"),
            ("broken", "ERROR:"),
        ],
    ),
    (
        &["parse_log_pytest_options", "parse_log_requests", "parse_log_pylint", "parse_log_pydicom"],
        "PASSED t.py::a[/tmp/x/y.py]\nPASSED t.py::b[//host/y]\nFAILED t.py::c[z] - no\n",
        &[("t.py::a[/y.py]", "PASSED"), ("t.py::b[//host/y]", "PASSED"), ("t.py::c[z]", "FAILED")],
    ),
    (&["parse_log_matplotlib"], "PASSED t.py::a[MouseButton.LEFT-MouseButton.RIGHT]\n", &[("t.py::a[1-3]", "PASSED")]),
    (
        &["parse_log_pytest_v2", "parse_log_astropy", "parse_log_scikit", "parse_log_sphinx"],
        "\u{1b}[32mPASSED\u{1b}[0m t.py::a[x y]\nt.py::b \u{1b}[31mFAILED\u{1b}[0m\nFAILED t.py::c - ValueError: - no\n",
        &[("t.py::a[x y]", "PASSED"), ("t.py::b", "FAILED"), ("t.py::c", "FAILED")],
    ),
    (
        &["parse_log_seaborn"],
        "t.py::a PASSED [ 5%]\nPASSED t.py::b\nFAILED t.py::c\n",
        &[("t.py::a", "PASSED"), ("t.py::b", "PASSED"), ("t.py::c", "FAILED")],
    ),
    (
        &["parse_log_django"],
        "test_a (m.T) ... ok\ntest_b (m.T) ... skipped 'why'\ntest_c (m.T) ... FAIL\ntest_d (m.T) ... ERROR\ntest_e (m.T) ... printed\nok\nFAIL: test_c (m.T)\n\
         test_f (m.T) ... Internal Server Error: /x/\nok\n",
        &[
            ("test_a (m.T)", "PASSED"),
            ("test_b (m.T)", "SKIPPED"),
            ("test_c (m.T)", "FAILED"),
            ("test_d (m.T)", "ERROR"),
            ("test_e (m.T)", "PASSED"),
            ("test_c", "FAILED"),
            ("test_f (m.T)", "PASSED"),
        ],
    ),
    (
        &["parse_log_sympy"],
        "test_a ok\ntest_b F\ntest_c E\n____ sympy/x.py:test_b ____\n",
        &[("sympy/x.py:test_b", "FAILED"), ("test_a", "PASSED"), ("test_b", "FAILED"), ("test_c", "ERROR")],
    ),
    (
        &["parse_log_cargo"],
        "test a::b ... ok\ntest c ... FAILED\ntest d ... ignored\n",
        &[("a::b", "PASSED"), ("c", "FAILED")],
    ),
    (
        &["parse_log_gotest"],
        "=== RUN TestA\n--- PASS: TestA (0.00s)\n    --- FAIL: TestA/x (0.01s)\n--- SKIP: TestB (0.00s)\n",
        &[("TestA", "PASSED"), ("TestA/x", "FAILED"), ("TestB", "SKIPPED")],
    ),
    (
        &["parse_log_redis"],
        "[ok]: a (12 ms)\n[err]: b in tests/unit/x.tcl\n[skip]: c\n[ignore]: d\n",
        &[("a", "PASSED"), ("b", "FAILED"), ("c", "SKIPPED"), ("d", "SKIPPED")],
    ),
    (&["parse_log_jq"], "PASS: tests/a\nFAIL: tests/b c\n", &[("tests/a", "PASSED"), ("tests/b c", "FAILED")]),
    (
        &["parse_log_micropython_test"],
        "pass  a.py\nFAIL  b.py\nskip  c.py\n",
        &[("a.py", "PASSED"), ("b.py", "FAILED"), ("c.py", "SKIPPED")],
    ),
    (
        &["parse_log_googletest"],
        "[       OK ] a.b (3 ms)\n[  FAILED  ] a.c (1 ms)\n[  FAILED  ] 1 test\n",
        &[("a.b", "PASSED"), ("a.c", "FAILED")],
    ),
    (
        &["parse_log_doctest"],
        "noise\n<doctest binary=\"t\"><TestSuite><TestCase name=\"A &amp; B\"><SubCase name=\"x\"><Expression success=\"true\"/></SubCase>\
         <SubCase name=\"y\"><Expression success=\"true\"/><Expression success=\"false\"><Original>a &lt; b</Original></Expression></SubCase></TestCase></TestSuite></doctest>",
        &[("A & B > x", "PASSED"), ("A & B > y", "FAILED")],
    ),
    (
        &["parse_log_maven"],
        "+ mvn test -Dtest=A#b\n[INFO] BUILD SUCCESS\n+ mvn test -Dtest=C\n[INFO] BUILD FAILURE\n",
        &[("A#b", "PASSED"), ("C", "FAILED")],
    ),
    (
        &["parse_log_ant"],
        "    [junit] [PASS] a(B)\n    [junit] [FAIL] c(B)\n    [junit] [ERR] d(B)\n",
        &[("a(B)", "PASSED"), ("c(B)", "FAILED"), ("d(B)", "FAILED")],
    ),
    (
        &["parse_log_gradle_custom"],
        "A > b PASSED\nA > c FAILED\nA > d\nwarning: x\nPASSED\n> Task :test FAILED\n",
        &[("A > b", "PASSED"), ("A > c", "FAILED"), ("A > d", "PASSED")],
    ),
    (
        &["parse_log_phpunit"],
        "Suite (A\\B)\n ✔ does this\n ✘ does that\n ↩ skips\n",
        &[("Suite > does this", "PASSED"), ("Suite > does that", "FAILED"), ("Suite > skips", "SKIPPED")],
    ),
    (
        &["parse_log_minitest"],
        "TestA#test_b. = 0.01 s = .\nTestA#test_c. = 0.01 s = F\n",
        &[("TestA#test_b", "PASSED"), ("TestA#test_c", "FAILED")],
    ),
    (
        &["parse_log_cucumber"],
        "features/a.feature ....\nfeatures/b.feature ..F\n",
        &[("features/a.feature", "PASSED"), ("features/b.feature", "FAILED")],
    ),
    (
        &["parse_log_ruby_unit"],
        "  test: a b:\t.: (0.01)\n  test: c:\tF\n  d:\tE\n  e:\tO\n",
        &[("a b", "PASSED"), ("c", "FAILED"), ("d", "FAILED"), ("e", "SKIPPED")],
    ),
    (
        &["parse_log_rspec_transformed_json"],
        "a b - passed\nc - d - failed\ne - pending\n",
        &[("a b", "PASSED"), ("c - d", "FAILED")],
    ),
    (
        &["parse_log_jest"],
        "  ✓ a (3 ms)\n  ✕ b\n  ○ skipped c\n",
        &[("a", "PASSED"), ("b", "FAILED"), ("skipped c", "SKIPPED")],
    ),
    (&["parse_log_jest_json"], "[PASSED] a b\n[FAILED] c\n", &[("a b", "PASSED"), ("c", "FAILED")]),
    (
        &["parse_log_vitest"],
        " ✓ f.ts > a 3ms\n × f.ts > b 2ms\n ↓ f.ts > c [skipped]\n",
        &[("f.ts > a", "PASSED"), ("f.ts > b", "FAILED"), ("f.ts > c", "SKIPPED")],
    ),
    (
        &["parse_log_karma"],
        "before\nStarting browser Chrome\n  suite\n    inner\n      ✔ a\n      ✖ b\nSUMMARY:\n✔ 2 tests\n",
        &[("suite > inner > a", "PASSED"), ("suite > inner > b", "FAILED")],
    ),
    (&["parse_log_tap"], "1..2\nok 1 a b\nnot ok 2 c\n", &[("a b", "PASSED"), ("c", "FAILED")]),
    (&["parse_log_marked"], "1) a b\n 2) c\n", &[("a b", "FAILED")]),
    (
        &["parse_log_react_pdf", "parse_log_carbon"],
        "PASS a.js (5.1 s)\nFAIL b.js (12ms)\nPASS c.js\n",
        &[("a.js", "PASSED"), ("b.js", "FAILED"), ("c.js", "PASSED")],
    ),
    (&["parse_log_grommet"], "PASS a.js (5.1 s)\nFAIL b.js\n", &[("b.js", "FAILED"), ("a.js", "PASSED")]),
    (
        &["parse_log_highlightjs"],
        "  suite\n    ✓ a (3ms)\n    1) b\n\n  1 passing (5ms)\n  1) suite\n",
        &[("suite.a", "PASSED"), ("suite.b", "FAILED")],
    ),
    (
        &["parse_log_prismjs"],
        "./node_modules/.bin/mocha tests/run.js --reporter json\n{\"passes\": [{\"fullTitle\": \"a\"}], \"failures\": [{\"fullTitle\": \"b\"}]}\n",
        &[("b", "FAILED"), ("a", "PASSED")],
    ),
    (
        &["parse_log_eslint"],
        "  1) suite\n       does this:\n     AssertionError: no\n",
        &[("suite does this:", "FAILED")],
    ),
    (&["parse_log_bpmn_js"], "HeadlessChrome 1.0.0 (Linux 0.0.0) suite a FAILED\n", &[("suite a ", "FAILED")]),
    (
        &["parse_log_openlayers"],
        "Chrome Headless 1.0 (Linux x86_64) suite a FAILED\ncase x/y: mismatch\n",
        &[("suite a", "FAILED"), ("x/y", "FAILED")],
    ),
    (
        &["parse_log_chart_js"],
        "Chrome 1.0 (Linux x86_64) suite a FAILED\nChrome 1.0 (Linux x86_64): Executed 2 of 2\n",
        &[("suite a ", "FAILED")],
    ),
    (
        &["parse_log_calypso"],
        "+ ./node_modules/.bin/jest x\n  suite\n    ✓ a (5ms)\n    ✕ b\nTest Suites: 1\n  ✓ c\n",
        &[("suite - a", "PASSED"), ("suite - b", "FAILED")],
    ),
    (
        &["parse_log_next"],
        "+ xvfb-run karma\nStarting browser Chrome\n  suite\n    ✓ a\n    ✗ b\nTOTAL: 2\n",
        &[("suite - a", "PASSED"), ("suite - b", "FAILED")],
    ),
    (
        &["parse_log_p5js"],
        "{\nnoise: x\n}\n<p>1) z:</p>\n  1) suite\n       does this:\n     Error\n",
        &[("suite:does this", "FAILED")],
    ),
    (
        &["parse_log_quarto_cli"],
        "[smoke] > a /tmp/x1y/ ... \u{1b}[32mok\u{1b}[0m\n[unit] > b ... \u{1b}[31mFAILED\u{1b}[0m\n[unit] > c\nERRORS\n[unit] > d ... 32mok\n",
        &[("[smoke] > a /tmp/0", "PASSED"), ("[unit] > b", "FAILED"), ("[unit] > c", "FAILED")],
    ),
];

fn read(
    parser: &str,
    log: &str,
    instance_id: &str,
    version: &str,
    compat: Compat,
) -> Result<Vec<(String, String)>, Fault> {
    let parser = Parser::named(parser).expect("a parser");
    let map = parser.read(log, &Subject { instance_id, version, compat })?;
    Ok(map.iter().map(|(test, status)| (test.to_owned(), status.as_str().to_owned())).collect())
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(test, status)| ((*test).to_owned(), (*status).to_owned())).collect()
}

#[test]
fn every_reader_understands_its_runner() {
    let mut seen = std::collections::BTreeSet::new();
    for (parsers, log, expected) in SAMPLES {
        for parser in *parsers {
            assert_eq!(read(parser, log, "o__r-1", "2.0", Compat::V5), Ok(owned(expected)), "{parser}");
            seen.insert(*parser);
        }
    }
    // Those that only choose between others, or are others by another name, have tests below or share the reader.
    let left: Vec<_> = Parser::all().iter().map(|parser| parser.name).filter(|name| !seen.contains(name)).collect();
    let shared = [
        "parse_log_astroid",
        "parse_log_marshmallow",
        "parse_log_pvlib",
        "parse_log_pyvista",
        "parse_log_sqlfluff",
        "parse_log_lighthouse",
        "parse_log_immutable_js",
        "parse_log_jekyll",
    ];
    assert_eq!(left, shared);
}

#[test]
fn some_choose_their_format_by_the_instance() {
    let jest = read("parse_log_immutable_js", "✓ a\n[PASSED] b\n", "immutable-js__immutable-js-2006", "", Compat::V5);
    assert_eq!(jest, Ok(owned(&[("a", "PASSED")])));
    let json = read("parse_log_immutable_js", "✓ a\n[PASSED] b\n", "immutable-js__immutable-js-2005", "", Compat::V5);
    assert_eq!(json, Ok(owned(&[("b", "PASSED")])));
    assert!(read("parse_log_immutable_js", "", "immutable-js__immutable-js-1", "", Compat::V5).is_err());
    let minitest = read("parse_log_jekyll", "A#b. = 0 s = .\nf ..F\n", "jekyll__jekyll-9141", "", Compat::V5);
    assert_eq!(minitest, Ok(owned(&[("A#b", "PASSED")])));
    let cucumber = read("parse_log_jekyll", "f ..F\n", "jekyll__jekyll-8761", "", Compat::V5);
    assert_eq!(cucumber, Ok(owned(&[("f", "FAILED")])));
    assert!(read("parse_log_jekyll", "", "jekyll__jekyll-1", "", Compat::V5).is_err());
    let mocha = "running 2 test files\nfirst\n  suite\n    ✔ a (5ms)\n    1) b\n  1 passing\n";
    assert_eq!(
        read("parse_log_lighthouse", mocha, "x-1", "9.5", Compat::V5),
        Ok(owned(&[("suite - a", "PASSED"), ("suite - b", "FAILED")]))
    );
    assert_eq!(read("parse_log_lighthouse", "PASS a.js\n", "x-1", "4.0", Compat::V5), Ok(owned(&[("a.js", "PASSED")])));
    let json = "./node_modules/.bin/mocha --reporter json\n\"failures\": [\n\"fullTitle\": \"b\",\n],\n\"passes\": [\n\"fullTitle\": \"a\",\n]\n";
    assert_eq!(
        read("parse_log_lighthouse", json, "x-1", "2.4", Compat::V5),
        Ok(owned(&[("a", "PASSED"), ("b", "FAILED")]))
    );
    assert!(read("parse_log_lighthouse", json, "x-1", "new", Compat::V5).is_err());
}

#[test]
fn the_older_release_reads_some_logs_otherwise() {
    let v4 = |parser, log| read(parser, log, "o__r-1", "1", Compat::V4);
    assert_eq!(v4("parse_log_pytest", "SKIPPED [2] t.py:3: why\n"), Ok(owned(&[("[2]", "SKIPPED")])));
    assert_eq!(
        v4("parse_log_astropy", "PASSED t.py::a[x y]\nt.py::b FAILED\n"),
        Ok(owned(&[("t.py::a[x", "PASSED"), ("t.py::b", "FAILED")]))
    );
    assert_eq!(v4("parse_log_jest", "✓ a  (3 ms)\n"), Ok(owned(&[("a ", "PASSED")])));
    assert_eq!(v4("parse_log_gradle_custom", "A > d\nPASSED\n"), Ok(owned(&[])));
    assert_eq!(v4("parse_log_maven", "BUILD SUCCESS\n"), Ok(owned(&[("---NO TEST NAME FOUND YET---", "PASSED")])));
    assert!(v4("parse_log_seaborn", "FAILED\n").is_err());
}

#[test]
fn projects_are_known_by_name_and_the_older_release_knows_fewer() {
    assert_eq!(Parser::of_repo("django/django", Compat::V4).unwrap().name, "parse_log_django");
    assert_eq!(Parser::of_repo("eslint/eslint", Compat::V5).unwrap().name, "parse_log_eslint");
    assert!(Parser::of_repo("eslint/eslint", Compat::V4).is_none());
    assert!(Parser::of_repo("a/b", Compat::V5).is_none());
    let names: std::collections::BTreeSet<_> = Parser::all().iter().map(|parser| parser.name).collect();
    assert_eq!(names.len(), 57);
}
