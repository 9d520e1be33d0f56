"""An application that a PasteDeploy file makes."""
import logging

import bottle_app


def create(global_conf, greeting):
    logging.getLogger(__name__).info('%s from %s', greeting, global_conf.get('site'))
    return bottle_app.app
