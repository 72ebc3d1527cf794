use super::*;

const GIVEN: &str = "#!/bin/bash
set -uxo pipefail
source /opt/miniconda3/bin/activate
conda activate testbed
cd /testbed
export LANG=en_US.UTF-8
locale-gen
git config --global --add safe.directory /testbed
git apply -v - <<'EOF_114329324912'
+cd /testbed
+conda activate testbed
+>>>>> End Test Output
EOF_114329324912
: '>>>>> Start Test Output'
pytest -rA /testbed/t.py
: '>>>>> End Test Output'
git checkout abc t.py
";

fn instance() -> Instance {
    Instance { eval_script: Some(GIVEN.to_owned()), ..Instance::default() }
}

#[test]
fn the_newer_release_records_how_the_tests_ended() {
    let mut instance = instance();
    instance.eval_script = Some(GIVEN.replace("+>>>>> End Test Output\n", ""));
    let script = eval_script(&instance, Compat::V5).unwrap();
    let end = "SWEBENCH_TEST_EXIT_CODE=$?\n: '>>>>> End Test Output'\necho \">>>>> Test Exit Code: $SWEBENCH_TEST_EXIT_CODE\"\ngit checkout abc t.py\n";
    assert!(script.starts_with("#!/bin/bash\nset -uxo pipefail\nsource ") && script.ends_with(end), "{script}");
    assert!(!eval_script(&instance, Compat::V4).unwrap().contains("EXIT_CODE"));
    instance.eval_script = None;
    assert_eq!(eval_script(&instance, Compat::V5), None);
}

#[test]
fn a_script_for_a_tree_of_its_own_leaves_the_test_patch_alone() {
    let place = ScriptPlace { tree: "/cases/1/tree", locale: "C.UTF-8" };
    let rewritten = rewrite_eval_script(GIVEN, &place);
    let expected = "#!/bin/bash
set -uxo pipefail
cd /cases/1/tree
export LANG=C.UTF-8
git apply -v - <<'EOF_114329324912'
+cd /testbed
+conda activate testbed
+>>>>> End Test Output
EOF_114329324912
: '>>>>> Start Test Output'
pytest -rA /cases/1/tree/t.py
: '>>>>> End Test Output'
git checkout abc t.py
";
    assert_eq!(rewritten, expected);
}

#[test]
fn here_documents_are_known_in_all_their_spellings() {
    assert_eq!(here_document("cat <<EOF > x"), Some("EOF"));
    assert_eq!(here_document("cat <<-'END OF'"), Some("END OF"));
    assert_eq!(here_document("cat << \"E\""), Some("E"));
    assert_eq!(here_document("cat <<< word"), None);
    assert_eq!(here_document("plain"), None);
}
