"""The models that `./run.sh models train` learns: a new one is a subclass of LearnedModel and a line here."""

from __future__ import annotations

from segue.spark.als import AlsFactors
from segue.spark.learned_model import LearnedModel
from segue.spark.session_space import SessionSpaceModel
from segue.spark.transition_rules import TransitionRuleModel

LEARNED_MODELS: tuple[LearnedModel, ...] = (TransitionRuleModel(), AlsFactors(), SessionSpaceModel())
