//! Pieces of logs, for readers by the end of their names: what they look for, and what only looks like it.

pub(super) type Pieces = (&'static [&'static str], &'static [&'static str]);

/// Pieces that many readers trip over.
pub(super) const ALL: &[&str] = &[
    "PASSED a", "FAILED b - c", " ... ok", "ok", "\u{1c}", "\u{a0}", "\u{85}", "é", "٣", "()", "(", ")", "[", "]", "Error", "FAILED\n", "FAILED",
    "Chrome", " - ", ": ", "\u{1b}[32m", "\u{1b}", "✓", "{", "}", "<a>", "</a>", "\u{2028}", ".", "=", "test", "s)", "ms)", "12", "\u{200b}",
];

/// Marks of the harness and lines between them.
pub(super) const MARKS: &[&str] = &[
    ">>>>> Start Test Output\n", ">>>>> Start Test Output\n", ">>>>> Start Test Output\n", ">>>>> End Test Output\n", ">>>>> End Test Output\n",
    ">>>>> End Test Output\n", ">>>>> Test Exit Code: 0\n", ">>>>> Test Exit Code: 1\n", ">>>>> Test Exit Code: \n", ">>>>> Test Exit Code:-2\r\n",
    ">>>>> Tests Errored\n", ">>>>> Some Tests Failed\n", "PASSED t.py::a\n", "PASSED t.py::a\n", "PASSED t.py::b\r\n", "FAILED t.py::a - x\n",
    "SKIPPED t.py::b\n", "ERROR t.py::c[x]\n", "PASSED t.py::c[x]\n", "XFAIL t.py::c[y]\n", "PASSED t.py::d[1, 2]\n", "SKIPPED t.py::d[1 3]\n",
    "SKIPPED [3] x\n", "ERROR: t.py::a\n", "PASSED t.py::e[/y/x]\r", "Chrome 12.0 (Linux x) Chart > a FAILED\n", "3 passing\n",
    "# tests 4\n", "Executed 0 of 0\n", "Executed 10 of 10\n", "TOTAL: 2 FAILED", "Test Suites: 1 failed, 2 passed, 3 total\n", "Tests:  0", "Tests:  5",
    "10 specs, 0 failures\n", "1 spec, 0 failure", "a': ok\n", "Killed\n", "no tests ran\n", "Timeout error: 60 seconds exceeded.", "Cannot find module x\n",
    "Failed to launch\n", "OutOfMemoryError", "Could not resolve host\n", "t.py::a PASSED\n", "PASSED", "\n", "Killed",
];

const PYTEST: &[&str] = &[
    "PASSED t.py::a", "FAILED t.py::b - assert - x", "FAILED - - t", "FAILED -  - t", "ERROR t.py::c[x y]", "SKIPPED [2] t.py:3: why", "SKIPPED t.py::d",
    "XFAIL t.py::e - why", "ERROR: x y", "PASSEDx y", "PASSED", "FAILED", "PASSED\u{1c}x", "PASSED a[/x/y/z]", "PASSED a[//x/y]b", "PASSED a[/*/y]",
    "PASSED a]b[c", "PASSED a[/x/y]z]", "PASSED a[MouseButton.LEFT-MouseButton.RIGHT]", "t.py::f PASSED", "t.py::g[x y] FAILED", "a b FAILED", "xFAILED",
    "\u{1b}[32mPASSED\u{1b}[0m t.py::h", "t.py::i \u{1b}[31mFAILED\u{1b}[0m", "[3mPASSED [12m x", "PASSED [100%]", "t.py::j PASSED  [ 50%]", "SKIPPED [1]",
    "t.py::k\tPASSED", "ERROR collecting - t.py", "FAILED a b c - d - e", "\u{0}PASSED x",
];

const JEST: &[&str] = &[
    "  ✓ name (12 ms)", "✕ other (3s)", "○ skipped third", "✓ a (b) (1 ms)", "✓ (12 ms)", "✓", "✓  ", "✕ x\u{a0}(4ms)", "✓ × (5 m s)", "✓ a (5 mss)", "✓ name (٣ ms)",
    "[PASSED] a > b", "[FAILED] c", "[PASSED]", "[PASSED]  d ", " × n 12ms", "✓ n 12 ms", "↓ n [skipped]", "✓ n 3", "✓ 12ms", "✓ n  5s", "✓ n 5m", "× [skipped]", "✓ a 3 4",
];

pub(super) const PIECES: &[Pieces] = &[
    (
        &[
            "pytest", "options", "v2", "matplotlib", "astroid", "flask", "marshmallow", "pvlib", "pyvista", "sqlfluff", "xarray", "pydicom", "requests",
            "pylint", "astropy", "scikit", "sphinx", "seaborn",
        ],
        PYTEST,
    ),
    (&["seaborn"], &["a PASSED [ 1%]", "a PASSED ", "PASSED  b", "x PASSED y z", "PASSED\tx", " PASSED a"]),
    (
        &["django"],
        &[
            "test_a (app.T) ... ok", "test_b (app.T) ... OK", "test_c (app.T) ...  OK", "test_d (app.T) ... skipped 'x'", "test_e ... FAIL", "test_f ... ERROR",
            "FAIL: test_g (app.T)", "ERROR: test_h (x)", "FAIL: ", "ok", "okay", "test_i (app.T) ... printed", "a ... b ... ok", " ... ok", "x ... skipped ... FAIL",
            "--version is equivalent to version ... FAIL", "--version is equivalent to version", "Applying sites.0002_alter_domain_unique...test_no_migrations (x) ... ok",
            "test_j ... Testing against Django installed in '/x'", "up to 3 processes silenced).\nok\n", "silenced).\nok", " silenced).\nokay\n",
            "test_k ... Internal Server Error: /a/\nok\n", "test_l ... Internal Server Error: /\nok", "Internal Server Error: //\nok\n",
            "test_m ... System check identified no issues (0 silenced)\nok\n", "test_n\n... System check identified no issues (0 silenced)\nok\n",
            "test_o ... System check identified no issues (0 silenced)\nok.", "test_p ... Internal Server Error: /q ... Internal Server Error: /r/\nok\n",
        ],
    ),
    (
        &["sympy"],
        &[
            "test_a ok", "test_b F", "test_c E", "test_d ok [OK]", "  test_e  ok", "____ x/y.py:test_f ____", "_ a.py:b.py:c _d", "__a.py:c __", "___ no py ___",
            " .py: ", "x .py:y", "_ a.py:", "_ a.py: ", "a b.py:c d.py:e", "_ a.py:b __\u{2028}", "test_g\u{1f}F", "test_ E",
        ],
    ),
    (
        &["cargo"],
        &[
            "test a::b ... ok", "test c ... FAILED", "test d ... ignored", "test e - should panic ... ok", "test  f  ...  ok", "test\u{1c}g ... ok", "tests h ... ok",
            "test i ... ok x", "test j ....ok", "test k ... ok\u{301}", "test ... ok", "test l ... okay",
        ],
    ),
    (
        &["gotest", "phpunit"],
        &[
            "--- PASS: TestA (0.00s)", "    --- FAIL: TestA/b (1.2s)", "--- SKIP: TestC (x) (0s)", "--- PASS: TestD ()", "--- PASS:  (0s)", "--- PASS: a (b) ()", "--- PASS: a ( )",
            "--- PASS: TestE (é)", "Suite Name (A\\B)", "S (x)", "Suite ()", "✔ does this", " ✘ fails at", "↩ skips", "✔", "é x (y)", "Suite (a) (b)", " Suite (x)", "✔✔ a ",
        ],
    ),
    (
        &["redis", "jq", "micropython_test", "googletest"],
        &[
            "[ok]: a test (12 ms)", "[err]: b test in tests/x.tcl", "[skip]: c", "[ignore]: d (5s)", "[ok]:  e", "[ok]:", "[err]: in x", "[err]: a in b in c (3 ms)",
            "[err]:  in x", "[ok]: (1 ms)", "[ok]:\u{a0}f (1 ms) (2 ms)", "PASS: a", " FAIL: b c", "PASS:", "PASS:  d", "pass  a/b.py", "FAIL x", "skip  y", "passed z", "pass\u{85}z",
            "[       OK ] a.b (3 ms)", "[  FAILED  ] c.d (1 ms)", "1: [ OK ] e (x) (y)", "[OK] f", "[ OK ] g ()", "[OK] (x)", "[ OK ] [ FAILED ] h (z)", "[OK]  (x)", "[OK] a\u{a0}(x)", "[ [OK] i (j",
        ],
    ),
    (
        &["doctest"],
        &[
            "<doctest binary=\"x\">", "<doctest>", "<doctest a='1' b=\"2\">", "<TestCase name=\"a &lt; b\">", "<TestCase>", "<SubCase name=\"s\" filename='x'>", "<SubCase>", "</SubCase>", "</SubCase>",
            "</TestCase>", "</TestCase>", "</doctest>", "</doctest>", "<Expression success=\"true\">x</Expression>", "<Expression success=\"false\"/>", "<Expression/>", "<!-- c -->", "text &amp; more", "&nope;",
            "<![CDATA[ <x> ]]>", "<SubCase name=\"&#65;&#x42;\"/>", "<?pi x?>", "<SubCase name=\"t\"><Expression success=\"false\"></Expression></SubCase>",
            "<doctest><TestCase name=\"u\"><SubCase name=\"v\"></SubCase></TestCase></doctest>",
            "<doctest><TestCase name=\"u\"><SubCase name=\"v\"><SubCase name='w'><Expression success='no'/></SubCase></SubCase></TestCase></doctest>",
        ],
    ),
    (
        &["maven", "ant", "gradle_custom"],
        &[
            "+ mvn -B -Dtest=A#b -pl x", "-Dtest=C -Dtest=D", "-Dtest= x", "-Dtest=-Dtest=", "[INFO] BUILD SUCCESS", "[INFO] BUILD FAILURE", "BUILD SUCCESS x", "-Dtest=E BUILD FAILURE",
            "   [junit] [PASS] a(b)", "[junit] [FAIL]  c", "[junit]\t[ERR] d", "[junit] [PASS]", "[junit][PASS] e", "A > b PASSED", "A > c FAILED", "A > d", "PASSED", "FAILED", "> Task PASSED", "x  PASSED", "x PASSED",
            "A > e f", "A >  g", "é > h", "A > i \u{a0}FAILED", ">x > y", "A > B > c PASSED",
        ],
    ),
    (
        &["minitest", "cucumber", "ruby_unit", "rspec_transformed_json", "jekyll"],
        &[
            "Test#a. = 0.01 s = .", "Test#b c. = F", "x. y = E z", ". = .", "a.  =.", "a. b=", "features/x.feature ..", "y .F", "z .", " ..", "w ...F..", "a b ....-", "test: a:   .: (0.1)", "b:\tF", "c: E: (1)",
            "d: O", "e: Ex", "test: .", "test: x", "test: : .", ": .", "f:: .", "a b - passed", "c - d - failed (x)", " - passed", "e - pending", "f - passed - failed", "g: E\u{301}", "h:\u{1c}.",
        ],
    ),
    (&["jest", "jest_json", "vitest", "immutable_js"], JEST),
    (
        &["tap", "marked"],
        &["ok 1 - a", "not ok 2 b", "  ok 3 c # time=1ms", "ok 4", "ok x d", "ok  5 e", "ok ٣ f", "1) a b", "2)c", "  3) d", "4)  e ", "5)\u{a0}f", "12) g"],
    ),
    (
        &["karma"],
        &[
            "Starting browser Chrome", "SUMMARY:", "  Suite", "    Inner", "      Deep", "  ✔ a", "      ✖ b", "✔ c", "  ✔d", " x", "y", "   ", "    ✖", "✔ ", " ", "  \u{a0}z", "      ✔ \u{a0}e",
            "Starting browser",
        ],
    ),
    (
        &["carbon", "react_pdf", "grommet", "lighthouse"],
        &[
            "PASS a/b.js (5.1 s)", "FAIL c.js (12ms)", "PASS d.js (3s)", "PASS e (1.2s) (3ms) x", "FAIL  f ", "PASS", "PASS\n", "FAIL\n\n", "PASS\u{a0}g (4 s)", "PASS (5ms)", "PASS h(5ms)", "FAIL i (5 ms)", "PASS j (.)",
            "FAIL k (٣s)", "PASS l (1\u{a0}s)", "running 3 test files", "2 passing (1s)", "  suite", "    ✔ a (5ms)", "    ✔ b", "    1) c", "    2) d (6mms) e", "  ✔ ", "running 1\ttest files running 2 test files",
            "./node_modules/.bin/mocha --reporter json\n", "\"passes\": [\n", "\"failures\": [\n", "\"fullTitle\": \"a b\",\n", "\"fullTitle\":\n\"c\",\n", "],\n", "]\n", "\"fullTitle\": \"d\" \"fullTitle\": \"e\",\n",
        ],
    ),
    (
        &["highlightjs"],
        &[
            "  suite", "    ✓ a (5ms)", "    ✔ b", "    1) c (3ms) d", "✓ e ✓ f", "12) g", "\n  3 passing (2s)", "\n\t 4 passing", "passing", "1)", "      (5ms)", "  ✔ (5ms)(6ms) x(", "✓ (٣ms) h", " i", "\n 5 passing",
        ],
    ),
    (
        &["prismjs"],
        &[
            "./node_modules/.bin/mocha tests/run.js --reporter json\n", "{\"failures\": [{\"fullTitle\": \"a\"}], \"passes\": [{\"fullTitle\": \"b\"}]}\n", "{\"failures\": [], \"passes\": []}\n", "{}\n", "noise\n",
            "{\"failures\": [{}], \"passes\": []}\n",
            "./node_modules/.bin/mocha tests/run.js --reporter json\n{\"passes\": [{\"fullTitle\": \"c\\u00e9\"}], \"failures\": [{\"fullTitle\": \"c\"}], \"x\": {}}\n./node_modules/.bin/mocha tests/run.js --reporter json\n{\"failures\": [], \"passes\": []}\nend\n",
        ],
    ),
    (
        &["eslint"],
        &["  1) suite", "       test:", "     AssertionError: x", "  2) a Error b Error c", "TypeError", "   3)x", "\n\n4) y", " 5) z", "      Error", "  6)", "no", "\t\t7) w\u{a0}Error:", "x   ", "  8) p Error"],
    ),
    (
        &["bpmn_js", "openlayers", "chart_js"],
        &[
            "2KPhantomJS 2.1.1 (Linux 0.0.0) a b FAILED\n", "2KPhantomJS 2.1.1 (Linux x86_64) c FAILED\n", "Chrome Headless 99.1 (Linux x86_64) d FAILED\n", "Chrome Headless x y (Linux x86_64) e (Linux x86_64) fFAILED\n",
            "HeadlessChrome 1.0 (Linux 0.0.0) g FAILED\n", "HeadlessChrome 1.0 (Linux 0.0.0) FAILED\n", "Chrome\nHeadless\n1.0\n(Linux\nx86_64)\nh FAILED\n", "Chrome Headless 9 (Linux x86_64) i\nFAILED\n",
            "Chrome 9.1 (Linux 0_0) j FAILED\n", "Chrome 9.1 (Linux a)b) k  l FAILED\n", "  1) m n", "\n  2)o\nError: x", "Error:", "case a/b: mismatch 3", "case c:\nmismatch", "case d: e: mismatch", "case\nf: mismatch",
            "Chrome 9.1 (Linux x) p > q FAILED\n", "Chrome 9 (a) (b) r FAILED", "Chrome 9 () s FAILED\n", "Chrome 9\u{a0}(x)\u{a0}tFAILED\n", "Chrome 9 (x) FAILED\n", "Chrome 9 (x)FAILED\n", "FAILED x FAILED\n", "Chrome ",
            "2KPhantomJS 2 (Linux 0) 2KPhantomJS 2 (Linux 0) u FAILED\n", "(Linux x86_64) ", "Headless ", "Chrome\nHeadless (Linux x86_64)\nv FAILED\n", "\u{1b}[31mChrome 9 (x) w FAILED\u{1b}[0m\n",
        ],
    ),
    (
        &["next"],
        &[
            " xvfb-run ", "Starting browser Chrome", "TOTAL", "  suite", "    inner", "      ✓ a", "      ✗ b ✓ c", "✗", "ERROR x", "  in y", "LOG", "Check", "\u{1b}[1mAssertionError: # z", "AssertionError: #", "\n\n", "AssertionError:# w",
            "Running: a.js (1 of 2)\n\n\n  Suite A\n", "Running: b)\n\n\n\n\nS\n", "    ✓ c (5ms)", "    1) d", "    ✓ e", "    ✓\n f (g) (", "  \n  2) h", "Running: Running: x)\n\n\n  T\n", "\n\n    ✓ k (", "Running: y\n",
        ],
    ),
    (
        &["calypso"],
        &[
            " ./node_modules/.bin/jest ", " ./node_modules/.bin/jest x\n", "  suite", "    inner", "      ✓ a (5ms)", "      ✕ b", "  ✓ c", "    ✓ d (5ms) ", "Test Suites: 1", "  ● x", "✓ e", "   ✕ (6ms)", "    ✓ f(7ms)", " ",
            "    ✓",
        ],
    ),
    (
        &["p5js"],
        &[
            "  1) Suite\n       test:\n", "2) a:b", "  3)\n   x:\n", "4) c\n  d\n     e:\n", "  5) f\n g:", "log {\n", "}\n", "list [\n", "]\n", "{ x }\n", "[1, 2]\n", "<div>", "</div>", "<p>", "</p>", "<p>x</p>", "<b", ">", "<div><div>y</div>",
            "</b>", "\n\n", "6)", ":", "<é>z</é>", "}", "{", "\u{1b}[31m", "     ", "<<p>q</p>b>r</b>",
        ],
    ),
    (
        &["quarto_cli"],
        &[
            "[smoke] > a ... \u{1b}[0m\u{1b}[32mok\u{1b}[0m", "[unit] b ... \u{1b}[31mFAILED\u{1b}[0m (5ms)", "[smoke] c ...", "[smoke] /tmp/abc.qmd ... 32mok", "[smoke] /tmp/abc/x /tmp/def/ ... 31mFAILED", "[unit] 34mINFO d ... 32mok", "ERRORS",
            "failures:", "test result: [smoke] x", "[smoke] passed 1 failed 2 steps 3", "[smoke] /tmp/é_1/ ... 32mok", "[smoke] /tmp/abc/ /tmp/x.qmd", "[other] e ... 32mok", "[smoke] c ... 32mok", "[unit] /tmp/.qmd /tmp//", "[smoke] b ... 32mok",
        ],
    ),
];
