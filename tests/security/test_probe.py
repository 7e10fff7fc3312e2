import subprocess
from segue.storage.kafka import *
from segue.settings import load_settings
from segue.spark import session
from streaming_jobs.source import kafka_records
from tests.security.servers import *
def test_probe(load, kafka_environment, mongo_environment, certificates, guarded_broker, tmp_path, capfd):
    s = load(kafka_environment | {"SEGUE_KAFKA__MECHANISM":"PLAIN","SEGUE_KAFKA__PASSWORD":PLAIN_PASSWORD, "SEGUE_SPARK__CHECKPOINT": str(tmp_path/"c"), "SEGUE_SPARK__UI_PORT":"0"})
    ensure_topics(s.kafka)
    with PlayProducer(s.kafka) as p: p.send_bytes(b"x"); p.flush()
    (tmp_path/"ev").mkdir()
    spark = session(s, app="x", spark__eventLog__enabled="true", spark__eventLog__dir=str(tmp_path/"ev"), spark__eventLog__compress="false")
    spark.sparkContext.setLogLevel("ALL")
    f = kafka_records(spark, s, name="x")
    pass
    qe=f._jdf.queryExecution()
    texts={"qe":qe.toString(), "json":qe.analyzed().toJSON(), "tree": qe.analyzed().treeString(), "logical": qe.logical().toString()}
    from segue.spark import kafka_options
    b = spark.read.format("kafka").options(**kafka_options(s.kafka)).option("subscribe", s.kafka.plays_topic).load()
    qe=b._jdf.queryExecution(); b.collect()
    texts |= {"bqe":qe.toString(), "bjson":qe.analyzed().toJSON(), "btree": qe.analyzed().treeString(), "blogical": qe.logical().toString()}
    q = f.writeStream.format("console").option("checkpointLocation", str(tmp_path/"c")).start()
    q.processAllAvailable(); q.stop(); spark.stop()
    out, err = capfd.readouterr()
    texts |= {"out": out, "err": err, "ev": "".join(x.read_text() for x in (tmp_path/"ev").rglob("*") if x.is_file())}
    for k, v in texts.items():
        print("T", k, len(v), [l[:400] for l in v.splitlines() if any(x in l for x in SECRETS)][:3])
        print("  jaas", [l[max(0,l.lower().index("jaas")-30):][:300] for l in v.splitlines() if "jaas" in l.lower()][:3])
    assert 0
