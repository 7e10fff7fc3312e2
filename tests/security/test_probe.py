import logging, time
import pytest
from segue.storage.kafka import *
from segue.storage.kafka_client import *
from segue.storage.mongo import connect
from pymongo import MongoClient
from tests.security.servers import *
def test_probe(load, kafka_environment, mongo_environment, certificates, guarded_broker, guarded_uri, caplog):
    s = load(kafka_environment | mongo_environment)
    for env in ({"SEGUE_MONGO__PASSWORD":"wrong"}, {"SEGUE_MONGO__CA_FILE":str(certificates.stranger)}, {"SEGUE_MONGO__TLS":"false","SEGUE_MONGO__CA_FILE":""},{"SEGUE_MONGO__URI":guarded_uri.replace("127.0.0.1","localhost")}):
        t=time.time()
        try: connect(load(mongo_environment|kafka_environment|env).mongo)
        except SegueError as e: print(env, repr(e), time.time()-t)
    import segue.storage.kafka_client as k
    ssl_ = {"SEGUE_KAFKA__BOOTSTRAP": guarded_broker.address["ssl"], "SEGUE_KAFKA__SECURITY": "ssl", "SEGUE_KAFKA__USER":"", "SEGUE_KAFKA__PASSWORD":""}
    for env in ({"SEGUE_KAFKA__PASSWORD": "wrong"}, {"SEGUE_KAFKA__PASSWORD": "wrong","SEGUE_KAFKA__MECHANISM":"PLAIN"},
        {"SEGUE_KAFKA__CA_FILE": str(certificates.stranger)},
        ssl_, ssl_ | {"SEGUE_KAFKA__CLIENT_FILE": str(certificates.client)},
        {"SEGUE_KAFKA__BOOTSTRAP": guarded_broker.bootstrap()},
        {"SEGUE_KAFKA__BOOTSTRAP": guarded_broker.address["sasl_plaintext"]},
        {"SEGUE_KAFKA__BOOTSTRAP": guarded_broker.bootstrap(), "SEGUE_KAFKA__SECURITY": "sasl_plaintext", "SEGUE_KAFKA__CLIENT_FILE":"", "SEGUE_KAFKA__CA_FILE":""},
        {"SEGUE_KAFKA__SECURITY": "plaintext", "SEGUE_KAFKA__CA_FILE":"", "SEGUE_KAFKA__CLIENT_FILE":"", "SEGUE_KAFKA__USER":"", "SEGUE_KAFKA__PASSWORD":""},
        ):
        caplog.clear()
        print("=====", env)
        t=time.time()
        try: ensure_topics(load(kafka_environment | {"SEGUE_KAFKA__CLIENT_FILE":""}| env).kafka); print("OK")
        except SegueError as e: print(repr(e), time.time()-t)
        seen=set()
        for x in caplog.records:
            if x.levelno>=logging.ERROR and (x.name, x.lineno) not in seen:
                seen.add((x.name, x.lineno)); print("  ", x.name, x.levelname, x.getMessage()[:300], [type(a) for a in (x.args or ())])
    assert 0
