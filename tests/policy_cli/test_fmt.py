"""`iamd policy fmt`: one layout, the same meaning."""

import json

from policy_command import policy

UGLY = (
    '{"Statement" : {"Condition":{"Bool":{"b":true,"a":[1.50,"x"]}},"Resource":["*"],"Unknown":null,'
    '"Action":"a:b","Principal":{"AWS":"*"},"Effect":"Allow","Sid":"S"},"Other":{},"Version":"2012-10-17","Id":"i"}'
)
NEAT = """{
  "Version": "2012-10-17",
  "Id": "i",
  "Statement": {
    "Sid": "S",
    "Effect": "Allow",
    "Principal": {
      "AWS": "*"
    },
    "Action": "a:b",
    "Resource": [
      "*"
    ],
    "Condition": {
      "Bool": {
        "b": true,
        "a": [
          1.50,
          "x"
        ]
      }
    },
    "Unknown": null
  },
  "Other": {}
}
"""


def test_elements_come_in_the_order_of_the_guides_and_unknown_ones_stay():
    done = policy("fmt", "-", given=UGLY.encode())
    assert done.stdout.decode() == NEAT
    assert json.loads(NEAT) == json.loads(UGLY)
    assert policy("fmt", "-", given=NEAT.encode()).stdout.decode() == NEAT


def test_only_files_with_another_layout_are_named_and_written(tmp_path):
    ugly, neat = tmp_path / "ugly.json", tmp_path / "neat.json"
    ugly.write_text(UGLY)
    neat.write_text(NEAT)
    before = neat.stat().st_mtime_ns
    check = policy("fmt", "--check", ugly, neat)
    assert (check.returncode, check.stdout.decode()) == (1, f"{ugly}\n")
    assert ugly.read_text() == UGLY
    assert policy("fmt", "--write", ugly, neat).returncode == 0
    assert ugly.read_text() == NEAT
    assert neat.stat().st_mtime_ns == before


def test_wrong_use_is_exit_code_2(tmp_path):
    for arguments in ([], ["--check", "--write", "-"], [tmp_path / "missing"]):
        assert policy("fmt", *arguments).returncode == 2
