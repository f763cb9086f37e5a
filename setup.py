"""Only what pyproject.toml cannot say: the migrations stand beside the package and travel inside it."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["forms*", "analysis*", "survey_app*"]),
        "survey_app.migrations",
        "survey_app.migrations.versions",
    ],
    package_dir={"survey_app.migrations": "migrations", "survey_app.migrations.versions": "migrations/versions"},
)
