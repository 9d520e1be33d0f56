"""Flask behind the checkers of WebTest and of Paste: they raise where the server or the application is wrong."""
from flask_app import application as flask
from paste.lint import middleware as paste_lint
from webtest.lint import middleware as webtest_lint

application = webtest_lint(paste_lint(flask))
