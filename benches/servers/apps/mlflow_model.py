"""Writes an MLflow model of the encoder into the folder of the first argument; `mlflow models serve` serves it at `/invocations`."""

import os
import sys

import mlflow.pyfunc

sys.path.insert(0, os.environ["APPS"])


class Encoder(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        from flask_pytorch import vectors

        self.vectors = vectors

    def predict(self, context, model_input: list[str], params=None):
        return self.vectors(list(model_input))


if __name__ == "__main__":
    mlflow.pyfunc.save_model(sys.argv[1], python_model=Encoder(), pip_requirements=[])
