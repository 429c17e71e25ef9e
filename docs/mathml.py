"""Formulas as MathML, which browsers show by themselves: no script, and nothing from a network."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx

__all__ = ["setup"]

SIZES = re.compile(r"\\(big|Big|bigg|Bigg)[lrm]?(?![a-zA-Z])")
"""The sizes of brackets, which docutils does not know; nor does it know `\\dots`, whose height amsmath chooses."""

logger = logging.getLogger(__name__)


def _written(node: nodes.Element, *, as_block: bool) -> str:
    try:
        text = SIZES.sub("", node.astext()).replace(r"\dots", r"\ldots")
        return str(tex2mathml(text, as_block=as_block))
    except MathError as error:
        logger.warning("cannot write %r: %s", node.astext(), error, location=node)
        return ""


def _inline(translator: Any, node: nodes.Element) -> None:
    translator.body.append(_written(node, as_block=False))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.Element) -> None:
    translator.body.append(f'<div style="padding: 0.4em 0">{_written(node, as_block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Make Sphinx write formulas in this way."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
