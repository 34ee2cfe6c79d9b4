"""Constructor arguments that nothing in the text says: by their names and type hints."""

from __future__ import annotations

import ast
from typing import Any, Final

from builder.code.reading.reader import Reader
from builder.code.reading.values import Known, UserClass

_BY_NAME: Final[dict[str, Any]] = {
    **dict.fromkeys(("in_channels", "in_ch", "input_channels", "in_chans", "n_channels", "channels", "num_channels", "img_channels", "image_channels", "nc", "c_in", "inp", "in_planes", "n_channel", "ch_in", "channels_img", "img_ch"), 3),
    **dict.fromkeys(("num_classes", "n_classes", "classes", "nb_classes", "num_class", "n_class", "output_dim", "out_dim", "output_size", "out_features", "num_labels", "n_output", "n_outputs", "num_outputs", "n_out", "out_size", "outputs", "output_features", "num_actions", "n_actions", "action_size", "action_dim", "act_dim", "d_out", "tagset_size", "number_of_classes"), 10),
    **dict.fromkeys(("out_channels", "out_ch", "c_out", "oup", "out_planes", "planes", "ch_out", "output_channels"), 16),
    **dict.fromkeys(("input_dim", "input_size", "in_features", "in_dim", "n_input", "n_inputs", "num_inputs", "num_features", "n_features", "feature_dim", "n_in", "in_size", "input_features", "state_size", "state_dim", "obs_dim", "obs_size", "d_in", "features", "input_shape", "num_input", "n_feature"), 32),
    **dict.fromkeys(("hidden_dim", "hidden_size", "hidden", "n_hidden", "hidden_units", "num_hiddens", "num_hidden", "hid_dim", "dim_hidden", "embed_dim", "embedding_dim", "emb_dim", "embed_size", "emb_size", "d_model", "dim", "n_embd", "model_dim", "enc_hid_dim", "dec_hid_dim", "hidden_channels", "embedding_size", "units", "width", "d_embed", "h_dim", "hidden_features", "n_embed", "feature_size", "rnn_size", "hidden_layer_size", "hidden_size1", "hidden_size2", "hidden1", "hidden2", "d_hidden"), 64),
    **dict.fromkeys(("vocab_size", "num_embeddings", "n_vocab", "src_vocab_size", "trg_vocab_size", "tgt_vocab_size", "num_tokens", "ntoken", "vocabulary_size", "n_tokens", "input_vocab_size", "target_vocab_size", "src_vocab", "tgt_vocab", "num_words"), 1000),
    **dict.fromkeys(("num_layers", "n_layers", "depth", "n_layer", "nlayers", "layers", "num_blocks", "n_blocks", "num_encoder_layers", "num_decoder_layers", "N"), 2),
    **dict.fromkeys(("num_heads", "n_heads", "nhead", "n_head", "heads", "h"), 4),
    **dict.fromkeys(("latent_dim", "z_dim", "nz", "latent_size", "zdim", "noise_dim", "code_dim", "bottleneck", "z_size"), 16),
    **dict.fromkeys(("dropout", "drop", "p", "dropout_rate", "drop_prob", "dropout_prob", "p_drop", "drop_rate", "dropout_p"), 0.1),
    **dict.fromkeys(("kernel_size", "kernel", "k", "ks", "filter_size"), 3),
    **dict.fromkeys(("stride", "groups", "dilation"), 1),
    **dict.fromkeys(("padding", "pad"), 1),
    **dict.fromkeys(("max_len", "max_length", "seq_len", "seq_length", "block_size", "context_length", "sequence_length", "max_seq_len", "n_positions", "max_position_embeddings", "src_len", "max_seq_length", "window_size"), 32),
    **dict.fromkeys(("dim_feedforward", "d_ff", "ff_dim", "mlp_dim", "ffn_dim", "hidden_mlp", "dff", "d_inner", "ff_hidden"), 128),
    **dict.fromkeys(("image_size", "img_size", "im_size", "resolution"), 32),
    **dict.fromkeys(("patch_size", "patch"), 4),
    **dict.fromkeys(("ngf", "ndf", "base_channels", "features_g", "features_d", "num_filters", "n_filters", "nf", "base_filters", "init_features", "filters", "feature_maps", "growth_rate", "start_filters"), 16),
    **dict.fromkeys(("pad_idx", "pad_index", "padding_idx", "src_pad_idx", "trg_pad_idx", "pad_token_id"), 0),
    **dict.fromkeys(("bias", "bidirectional", "batch_first", "residual", "use_bias"), True),
    **dict.fromkeys(("device",), "cpu"),
    **dict.fromkeys(("reduction", "expansion", "scale_factor", "upscale_factor", "expand_ratio"), 2),
    **dict.fromkeys(("batch_size",), 4),
    **dict.fromkeys(("num_users", "n_users", "num_items", "n_items"), 100),
    **dict.fromkeys(("n_factors", "num_factors", "head_size", "head_dim", "d_k", "d_v"), 16),
    **dict.fromkeys(("hidden_sizes", "hidden_dims", "hidden_layers", "layer_sizes"), (64, 32)),
    **dict.fromkeys(("layers_sizes", "sizes", "dims"), (32, 64, 10)),
}  # fmt: skip
_BY_PART: Final = (
    ("channel", 3), ("class", 10), ("vocab", 1000), ("hidden", 64), ("embed", 64), ("emb", 64),
    ("latent", 16), ("dropout", 0.1), ("drop", 0.1), ("head", 4), ("layer", 2), ("in", 32),
    ("out", 10), ("size", 32), ("dim", 32), ("len", 32), ("num", 4), ("n_", 4),
)  # fmt: skip


def guess(reader: Reader, cls: UserClass, argument: ast.arg) -> Any:
    """A value that an argument of this name usually has; None where nobody can tell."""
    name = argument.arg
    hint = argument.annotation
    hinted = hint.id if isinstance(hint, ast.Name) else ""
    if name in ("layers", "num_blocks", "blocks") and _is_gone_through(cls, name):
        return [2, 2, 2, 2]
    if name in ("block", "Block") and (block := _a_block(reader, cls)) is not None:
        return block
    if name in ("config", "cfg", "args", "hparams", "opt", "conf") or hinted.endswith(
        ("Config", "Args")
    ):
        found = _configuration(reader, hinted, name)
        if found is not None:
            return found
    if name in ("activation", "act", "act_layer", "activation_fn"):
        return Known("torch.nn.ReLU") if _is_called(cls, name) else "relu"
    if name in ("norm_layer", "norm"):
        return Known("torch.nn.BatchNorm2d")
    value = _BY_NAME.get(name, _BY_NAME.get(name.lower()))
    if value is None:
        value = next((v for part, v in _BY_PART if part in name.lower()), None)
    if hinted == "bool":
        return True
    if hinted == "float" and isinstance(value, int):
        return float(value)
    if hinted == "str" and not isinstance(value, str):
        return None
    return list(value) if isinstance(value, tuple) else value


def _is_gone_through(cls: UserClass, name: str) -> bool:
    return any(
        (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == name)
        or (isinstance(node, ast.For) and isinstance(node.iter, ast.Name) and node.iter.id == name)
        for node in ast.walk(cls.node)
    )  # fmt: skip


def _is_called(cls: UserClass, name: str) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
        for node in ast.walk(cls.node)
    )


def _a_block(reader: Reader, cls: UserClass) -> Any:
    """The first class of the text whose name says it is one."""
    for statement in reader.file.statements:
        if (
            isinstance(statement, ast.ClassDef)
            and "lock" in statement.name
            and statement.name != cls.name
        ):
            found = reader.file.look_up(reader, statement.name)
            if isinstance(found, UserClass):
                return found
    return None


def _configuration(reader: Reader, hinted: str, name: str) -> Any:
    from builder.code.reading.scopes import MISSING

    for wish in (name, name.upper(), name.capitalize()):
        found = reader.file.look_up(reader, wish)
        if found is not MISSING and not isinstance(found, UserClass):
            return found
    for statement in reader.file.statements:
        if isinstance(statement, ast.ClassDef) and (
            statement.name == hinted or (not hinted and "onfig" in statement.name)
        ):
            cls = reader.file.look_up(reader, statement.name)
            if isinstance(cls, UserClass):
                return reader.call(cls, [], {})
    return None
