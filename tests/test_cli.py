"""`python -m builder`: results on standard output, words on standard error, exit codes that say it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import builder
from builder import cli, gallery
from builder.graph.edits import AddNode, DeleteNode, SetInputSpec, apply
from builder.graph.model import TensorSpec
from builder.graph.project import Project, save_project


def run(*words: str) -> int:
    return cli.main([str(w) for w in words])


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    path = tmp_path / "digits.json"
    assert run("gallery", "digits_mlp", "-o", path) == 0
    return path


def test_layers_finds_linear_by_everyday_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("layers", "fully", "connected") == 0
    assert capsys.readouterr().out.startswith("torch.nn.Linear ")


def test_layers_as_json_gives_every_parameter(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("layers", "Linear", "--json") == 0
    linear = json.loads(capsys.readouterr().out)[0]
    assert list(linear["parameters"]) == ["in_features", "out_features", "bias"]


def test_layers_without_a_hit_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("layers", "qqqqqqzzzz") == 2
    assert "“qqqqqqzzzz”" in capsys.readouterr().err


def test_gallery_lists_and_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("gallery") == 0
    assert "lenet5" in capsys.readouterr().out
    assert run("gallery", "lenet5") == 0
    assert json.loads(capsys.readouterr().out)["layerwise"] == 1


def test_gallery_offers_the_nearest_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("gallery", "lenet") == 2
    assert "Did you mean “lenet5”?" in capsys.readouterr().err


def test_check_prints_shapes_and_totals(digits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", digits) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["x", "N×64"]
    assert lines[1].split() == ["fc1", "N×32", "2,080", "parameters"]
    assert lines[-1].startswith("2\u2009410 parameters, 2\u2009410 trainable; ")


def test_check_exits_1_on_a_problem_and_offers_repairs(
    digits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = digits.read_text().replace(
        '"out_features": 10', '"in_features": 5, "out_features": 10'
    )
    digits.write_text(broken)
    assert run("check", digits) == 1
    said = capsys.readouterr().err
    assert "in_features=5" in said and "32" in said and "repair: " in said
    assert run("check", digits, "--json") == 1
    problem = json.loads(capsys.readouterr().out)["problems"][0]
    assert problem["layer"] == "fc2" and problem["repairs"]


def test_code_in_both_styles(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("code", digits, "--style", "sequential") == 0
    assert "nn.Sequential(" in capsys.readouterr().out
    assert run("code", digits, "-o", tmp_path / "net.py") == 0
    done = subprocess.run(
        [sys.executable, tmp_path / "net.py"], capture_output=True, text=True, check=True
    )
    assert "10" in done.stdout


def test_a_style_that_is_not_there_is_named(
    digits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("code", digits, "--style", "modul") == 2
    assert "“module”" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("{", "cut off"),
        ('{"layerwise": 99}', "99"),
        ("[]", "project"),
        ('{"layerwise" 1}', "JSON"),
    ],
)
def test_a_file_that_is_no_project_is_one_sentence(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    assert run("check", path) == 2
    err = capsys.readouterr().err
    assert said in err and "Traceback" not in err and len(err.splitlines()) == 1


def test_a_missing_file_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", tmp_path / "none.json") == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_train_writes_a_run_and_says_how_it_ended(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    words = ["train", digits, "--data", "digits", "--epochs", "2", "--lr", "0.01", "--run", folder]
    assert run(*words) == 0
    captured = capsys.readouterr()
    assert captured.out.strip() == str(folder)
    assert "epoch 2/2" in captured.err
    assert (folder / "model.py").exists()


def test_train_refuses_data_that_does_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.json"
    run("gallery", "mlp_10_50_2", "-o", path)
    words = ["train", path, "--data", "digits", "--epochs", "1", "--run", tmp_path / "run"]
    assert run(*words) == 2
    assert "takes N×10" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    assert run(*words, "--fit", "--quiet") == 0


def one_output(path: Path, *, sigmoid: bool = True) -> Path:
    """Two features in, one output that says yes or no."""
    graph = gallery.project("mlp_16_named").graph
    graph = apply(graph, SetInputSpec("x", TensorSpec(("N", 2))))
    if not sigmoid:
        graph = apply(graph, DeleteNode("sigmoid"))
    save_project(Project("Yes or no", graph), path)
    return path


@pytest.fixture
def sick(tmp_path: Path) -> Path:
    """Sixty rows of two features, and whether somebody is sick: yes or no."""
    path = tmp_path / "bin.csv"
    rows = [f"{i * 0.7 % 5:.2f},{i % 7},{'yes' if i % 3 else 'no'}" for i in range(60)]
    path.write_text("age,days,sick\n" + "\n".join(rows) + "\n")
    return path


def test_fit_takes_two_classes_as_yes_or_no_for_one_output(
    sick: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net, folder = one_output(tmp_path / "binsig.json"), tmp_path / "run"
    words = ["train", net, "--data", sick, "--target", "sick", "--epochs", "1", "--run", folder]
    assert run(*words, "--fit") == 0
    assert "as yes or no" in capsys.readouterr().err
    trained = builder.open_run(folder)
    assert trained.folder.job()["loss"] == "bce"
    assert trained.folder.job()["output_shape"] == [1]
    assert trained.dataset().kind == "binary"


def test_a_net_with_one_output_needs_only_the_task(
    sick: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net, folder = one_output(tmp_path / "net.json", sigmoid=False), tmp_path / "run"
    words = ["train", net, "--data", sick, "--target", "sick", "--epochs", "1", "--run", folder]
    assert run(*words) == 2
    assert "Choose the task “binary”: one output says yes or no." in capsys.readouterr().err
    assert run(*words, "--task", "binary") == 0
    assert builder.open_run(folder).folder.job()["loss"] == "bce_with_logits"


def test_a_loss_for_yes_or_no_names_the_task_it_needs(
    sick: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = one_output(tmp_path / "net.json")
    words = ["train", net, "--data", sick, "--target", "sick", "--run", tmp_path / "run"]
    assert run(*words, "--loss", "bce") == 2
    said = capsys.readouterr().err
    assert "Choose the task “binary”" in said and "Data page" not in said
    assert run(*words, "--loss", "bce", "--fit", "--epochs", "1") == 0


def test_the_autoencoder_of_the_gallery_stays_one_when_it_is_fitted(tmp_path: Path) -> None:
    net, folder = tmp_path / "ae.json", tmp_path / "run"
    run("gallery", "autoencoder", "-o", net)
    words = ["train", net, "--data", "digits", "--fit", "--epochs", "1"]
    assert run(*words, "--run", folder) == 0
    job = builder.open_run(folder).folder.job()
    assert (job["output_shape"], job["loss"], job["settings"]["goal"]) == ([64], "mse", "input")
    assert run(*words, "--run", tmp_path / "second", "--goal", "target") == 0
    assert builder.open_run(tmp_path / "second").folder.job()["output_shape"] == [10]


def test_a_fit_that_cannot_be_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("gallery", "lenet5", "-o", tmp_path / "net.json")
    words = ["train", tmp_path / "net.json", "--data", "iris", "--run", tmp_path / "run"]
    assert run(*words, "--fit") == 2
    assert "This network reads pictures" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flag", "said"), [("--task", "task is one of auto, classes"), ("--goal", "The goal is")]
)
def test_a_task_or_goal_that_is_not_there_is_told(
    flag: str, said: str, digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("train", digits, "--data", "digits", flag, "x", "--run", tmp_path / "run") == 2
    assert said in capsys.readouterr().err


def test_warnings_are_told_on_standard_error(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = builder.load_project(digits)
    softmax = apply(project.graph, AddNode("torch.nn.Softmax", arguments={"dim": 1}))
    save_project(Project("Digits", softmax), digits)
    words = ["train", digits, "--data", "digits", "--epochs", "1", "--run", tmp_path / "run"]
    assert run(*words, "--quiet") == 0
    captured = capsys.readouterr()
    assert "warning: The network ends with Softmax" in captured.err
    assert captured.out.strip() == str(tmp_path / "run")


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("layers", "gallery", "check", "code", "train"):
        with pytest.raises(SystemExit) as left:
            run(command, "--help")
        assert left.value.code == 0
        assert "usage:" in capsys.readouterr().out


def test_draw_writes_a_design_or_a_file_as_svg_or_png(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    svg, png = tmp_path / "net.svg", tmp_path / "net.PNG"
    assert run("draw", "lenet5", "-o", svg, "--direction", "down", "--dark", "--unfold") == 0
    assert svg.read_text(encoding="utf-8").startswith("<svg ")
    assert run("draw", digits, "-o", png, "--scale", 1) == 0
    assert png.read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr() == ("", f"Wrote {svg}.\nWrote {png}.\n")


def test_draw_exits_1_on_a_problem_and_draws_all_the_same(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = digits.read_text().replace(
        '"out_features": 10', '"in_features": 5, "out_features": 10'
    )
    digits.write_text(broken)
    assert run("draw", digits, "-o", tmp_path / "net.svg") == 1
    assert "error: " in capsys.readouterr().err and (tmp_path / "net.svg").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nosuch", "-o", "net.svg"], "There is no file “nosuch”"),
        (["lenet5", "-o", "net.gif"], "not as “net.gif”"),
        (["lenet5", "-o", "net.png", "--scale", "nan"], "Choose a smaller scale"),
    ],
)
def test_draw_refuses_in_one_sentence(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("draw", *words) == 2
    assert said in capsys.readouterr().err
