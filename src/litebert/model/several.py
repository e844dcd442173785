"""One encoder and the heads that read it, each as a model of its own."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from litebert.model.model import Model


class Several(nn.Module):
    """Models that have one encoder. As a whole they are what is trained; each answers by itself.

    The encoder's parameters come once, under `encoder`.
    """

    def __init__(self, models: Mapping[str, Model]) -> None:
        super().__init__()
        self.encoder = next(iter(models.values())).encoder
        if any(model.encoder is not self.encoder for model in models.values()):
            raise ValueError("these models have encoders of their own")
        self.names = tuple(models)
        self.models = nn.ModuleList(models.values())

    def of(self, name: str) -> Model:
        """The encoder under the head of that name."""
        model = self.models[self.names.index(name)]
        assert isinstance(model, Model)
        return model
