import subprocess, sys, os, time
from pathlib import Path
from tests.operators.test_ingest_records import MEMORY_SCRIPT, PROJECT
BIG='''
import resource, os, sys, time
from types import SimpleNamespace
from pathlib import Path
from backoffice.operators.ingest_folder import IngestFolderOperator
from tests.domain.ubl_documents import LINE, invoice
folder=Path(sys.argv[1]); folder.mkdir()
count = 50 * 1024 * 1024 // len(LINE)
(folder/"big.xml").write_bytes(invoice((LINE, LINE * count)))
del LINE
import gc; gc.collect()
pid=os.fork()
if pid==0:
    t=time.time()
    r=IngestFolderOperator(task_id="f",folder=str(folder),source="drop",entity="1000",process="p").execute({"dag_run": SimpleNamespace(dag_id="d", run_id="big"), "params": {}})
    print(r, time.time()-t, flush=True)
    os._exit(0)
_,st,ru=os.wait4(pid,0)
print("peak MB", ru.ru_maxrss/1024, st)
'''
def test_big(books, tmp_path):
    env = {**os.environ, "PYTHONPATH": f"{PROJECT / 'plugins'}:{PROJECT}"}
    d=subprocess.run([sys.executable,"-c",BIG,str(tmp_path/"x")],env=env,capture_output=True,text=True); print(d.stdout[-600:],d.stderr[-500:])
    t=time.time()
    d=subprocess.run([sys.executable,"-c",MEMORY_SCRIPT,"200000"],env=env,capture_output=True,text=True); print("200k rows: kB", d.stdout.split()[-1],d.stderr[-300:], "s", time.time()-t)
    assert 0
