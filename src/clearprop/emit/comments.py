"""What there is to say about a statement: its shape and, where it is not obvious, the reason."""

from __future__ import annotations

from ..engine.primitive import primitives
from ..graph.graph import Node, Wire
from ..passes.backward import Joint
from .naming.names import Names
from .node_facts import may_repeat, shape_comment, stretched_values


class Comments:
    """Comments on the nodes of a joint graph, in their order."""

    told = False
    """Whether the reason for sums was given: once is enough."""

    def __init__(self, joint: Joint, names: Names) -> None:
        self.joint = joint
        self.names = names
        self.stretched = stretched_values(joint.graph)

    def of(self, node: Node) -> str:
        wire = node.outputs[0]
        text = shape_comment(wire)
        of = self.joint.gradient_of.get(wire)
        if node.is_backward and of is not None:
            reason = self.reason(node, of)
            text = reason or text
        return text

    def reason(self, node: Node, of: Wire) -> str:
        """Return why a gradient looks as it does, where that is not obvious."""
        name = self.names.of(of)
        inner = node
        while (
            inner.primitive in (primitives.reshape, primitives.negative)
            and inner.inputs[0] in self.names.made
        ):
            inner = self.names.made[inner.inputs[0]]
        if inner.primitive.role == "spreads" and of in self.stretched:
            axes = self.stretched[of]
            many = len(axes) > 1
            where = f"axes {', '.join(map(str, axes))}" if many else f"axis {axes[0]}"
            if self.told:
                return f"{shape_comment(node.outputs[0])} {name} was stretched over {where}".strip()
            self.told = True
            it = "them" if many else "it"
            return f"{name} was stretched over {where}, so its gradient is summed over {it}"
        if node.primitive is primitives.scatter and may_repeat(node):
            return f"what was picked from {name} twice gets both gradients"
        return ""
