-- 3YNphuArEIVuyvcDRj63F9w6Ibeb3ky5yban2efRz6o=
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('freezes');
CREATE TABLE aliases (
	user TEXT NOT NULL, 
	name TEXT NOT NULL, 
	body TEXT NOT NULL, 
	CONSTRAINT pk_aliases PRIMARY KEY (user, name)
);
INSERT INTO "aliases" VALUES('U0ALICE','r','vm restart $1 force');
CREATE TABLE approvals (
	id TEXT NOT NULL, 
	execution TEXT NOT NULL, 
	binding TEXT NOT NULL, 
	reviewer TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	kind TEXT NOT NULL, 
	shown JSON NOT NULL, 
	needed INTEGER NOT NULL, 
	denials INTEGER NOT NULL, 
	self_approval BOOLEAN NOT NULL, 
	type_name BOOLEAN NOT NULL, 
	remind_at DATETIME, 
	reminders INTEGER NOT NULL, 
	status TEXT NOT NULL, 
	decided_by TEXT NOT NULL, 
	decided_at DATETIME, changed TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_approvals PRIMARY KEY (id), 
	CONSTRAINT fk_approvals_execution FOREIGN KEY(execution) REFERENCES executions (id)
);
INSERT INTO "approvals" VALUES('tgxAIrBX7VeL2rxkLKZIID','gGk5SGOIZH6kpFsXhnEJTQ','5f63625de2999cf0e44369468b3855edbc8e1ee3de853df4a56d7c59c93eccc1','','2026-01-05 09:00:30.000000','2026-01-05 10:00:30.000000','approve','{"description": "inference", "node": "ae21fd00d2f2a143f48b6f78a4c2acd5efbe975494088fd94e482661d692bdb6 gpu1", "session": "U0ALICE", "state": "running", "disks": "vda\t350G\t/data/vm_21274_20260105090000.qcow2\nvdb\t100G\t/data/data_14088_20260105090000.qcow2", "snapshots": ""}',1,1,0,0,'2026-01-05 09:10:30.000000',0,'pending','',NULL,'');
CREATE TABLE audit (
	seq INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	command TEXT NOT NULL, 
	arguments TEXT NOT NULL, 
	node TEXT NOT NULL, 
	task TEXT NOT NULL, 
	label TEXT NOT NULL, 
	execution TEXT NOT NULL, 
	approval TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	thread TEXT NOT NULL, 
	message TEXT NOT NULL, 
	details TEXT NOT NULL, 
	prev_hash TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (seq)
);
INSERT INTO "audit" VALUES(1,'2026-01-05T09:00:00.000000+00:00','policy_loaded','','','{}','','','','','','','','','','','{"policy":{"audit":{"auditors":{"groups":[],"persons":[]},"channel":""},"breaker":{"destroys":null,"within":"PT1H"},"defaults":{"change":{"approvals":0,"approvers":null,"break_glass":null,"confirm":false,"denials":null,"expires":null,"reason":null,"remind":null,"self_approval":null,"type_name":false},"destroy":{"approvals":1,"approvers":null,"break_glass":null,"confirm":false,"denials":null,"expires":null,"reason":null,"remind":null,"self_approval":null,"type_name":false},"disrupt":{"approvals":0,"approvers":null,"break_glass":null,"confirm":true,"denials":null,"expires":null,"reason":null,"remind":null,"self_approval":null,"type_name":false}},"freeze":{"channel":"","people":{"groups":[],"persons":[]}},"rule":[],"test":[]},"sha256":"962138fabf9f4953ba14be0bd78725e62d618a1357bd2016f49f2e3561dc39cd"}','0000000000000000000000000000000000000000000000000000000000000000','1ff9eeb5dad7abfd940f68157fa76b3ac80b8b3193d341c483121297d3478ea4');
INSERT INTO "audit" VALUES(2,'2026-01-05T09:00:30.000000+00:00','session_added','U0ALICE','','{}','ae21fd00d2f2a143f48b6f78a4c2acd5efbe975494088fd94e482661d692bdb6','','','','','','','','','','{}','1ff9eeb5dad7abfd940f68157fa76b3ac80b8b3193d341c483121297d3478ea4','71559ba304b10368eea1f6ce2248c2a1b59ed7c13fa2b1383d962e479bc2450c');
INSERT INTO "audit" VALUES(3,'2026-01-05T09:00:30.000000+00:00','session_added','U0BOB','','{}','ae21fd00d2f2a143f48b6f78a4c2acd5efbe975494088fd94e482661d692bdb6','','','','','','','','','','{}','71559ba304b10368eea1f6ce2248c2a1b59ed7c13fa2b1383d962e479bc2450c','9e31878a82ede193e3c576d97ef6e19fb83de4e86bd29a53751ff171a825b4a8');
INSERT INTO "audit" VALUES(4,'2026-01-05T09:00:30.000000+00:00','session_added','U0CAROL','','{}','ae21fd00d2f2a143f48b6f78a4c2acd5efbe975494088fd94e482661d692bdb6','','','','','','','','','','{}','9e31878a82ede193e3c576d97ef6e19fb83de4e86bd29a53751ff171a825b4a8','fd33e5f245d6bd6b333165434f7e279766691e5a573c7ac94433d2a9257e4e6c');
INSERT INTO "audit" VALUES(5,'2026-01-05T09:00:30.000000+00:00','requested','U0ALICE','alias.add','{"alias":"r","body":"= vm restart $1 force"}','','','','IBCNx4aITE7owP90jvEsrc','','','','C0GPUOPS','','card:IBCNx4aITE7owP90jvEsrc','{"source":"slash"}','fd33e5f245d6bd6b333165434f7e279766691e5a573c7ac94433d2a9257e4e6c','6524580834334e2ade98bb8108c4d96291ae899786c40df56065b052d293425d');
INSERT INTO "audit" VALUES(6,'2026-01-05T09:00:30.000000+00:00','started','U0ALICE','alias.add','{"alias":"r","body":"= vm restart $1 force"}','','','','IBCNx4aITE7owP90jvEsrc','','','','C0GPUOPS','','card:IBCNx4aITE7owP90jvEsrc','{}','6524580834334e2ade98bb8108c4d96291ae899786c40df56065b052d293425d','ba51afa7bb7032d1de24dcfd151956eaf8983f3f5b52565caa51efa9e72a5d5c');
INSERT INTO "audit" VALUES(7,'2026-01-05T09:00:30.000000+00:00','ended','U0ALICE','alias.add','{"alias":"r","body":"= vm restart $1 force"}','','','','IBCNx4aITE7owP90jvEsrc','','done','For you, /dbc r now means vm restart $1 force. It may do no more than you may.','C0GPUOPS','','card:IBCNx4aITE7owP90jvEsrc','{}','ba51afa7bb7032d1de24dcfd151956eaf8983f3f5b52565caa51efa9e72a5d5c','dc6d89ce19c22a56dd7a509119e643c4ea4cbb14d42ba51ef41cfbae97f955bd');
INSERT INTO "audit" VALUES(8,'2026-01-05T09:00:30.000000+00:00','requested','U0ALICE','settings','{"node":"gpu1"}','','','','FpwQ7X7tpcoz5p5FEZ7VBW','','','','C0GPUOPS','','card:FpwQ7X7tpcoz5p5FEZ7VBW','{"source":"slash"}','dc6d89ce19c22a56dd7a509119e643c4ea4cbb14d42ba51ef41cfbae97f955bd','098e84d91b805ac3edfba9a05c9e8d91fcaabf3c398b53bd1d487baa18608567');
INSERT INTO "audit" VALUES(9,'2026-01-05T09:00:30.000000+00:00','started','U0ALICE','settings','{"node":"gpu1"}','','','','FpwQ7X7tpcoz5p5FEZ7VBW','','','','C0GPUOPS','','card:FpwQ7X7tpcoz5p5FEZ7VBW','{}','098e84d91b805ac3edfba9a05c9e8d91fcaabf3c398b53bd1d487baa18608567','20a1451280e0d41f64fca22c524bcbad02f8240759aed80226e5941fd92dc6df');
INSERT INTO "audit" VALUES(10,'2026-01-05T09:00:30.000000+00:00','ended','U0ALICE','settings','{"node":"gpu1"}','','','','FpwQ7X7tpcoz5p5FEZ7VBW','','done','Settings changed','C0GPUOPS','','card:FpwQ7X7tpcoz5p5FEZ7VBW','{}','20a1451280e0d41f64fca22c524bcbad02f8240759aed80226e5941fd92dc6df','c8c10ea94045e9849acb648137a28624e55cdea99d16d97a384ad6721aa63bf6');
INSERT INTO "audit" VALUES(11,'2026-01-05T09:00:30.000000+00:00','requested','U0ALICE','vm.delete','{"vm":"inference"}','','','','gGk5SGOIZH6kpFsXhnEJTQ','','','','C0GPUOPS','','card:gGk5SGOIZH6kpFsXhnEJTQ','{"source":"slash"}','c8c10ea94045e9849acb648137a28624e55cdea99d16d97a384ad6721aa63bf6','1358c56879b0c1649e83e448d6b206b4f5253c26ed7beebb5efe33f96a074efa');
INSERT INTO "audit" VALUES(12,'2026-01-05T09:00:30.000000+00:00','asked','U0ALICE','vm.delete','{"vm":"inference"}','ae21fd00d2f2a143f48b6f78a4c2acd5efbe975494088fd94e482661d692bdb6','Vs7n5UDAvMhWZ99G5aKNr7','inference','gGk5SGOIZH6kpFsXhnEJTQ','tgxAIrBX7VeL2rxkLKZIID','','','C0GPUOPS','','card:gGk5SGOIZH6kpFsXhnEJTQ','{"binding":"5f63625de2999cf0e44369468b3855edbc8e1ee3de853df4a56d7c59c93eccc1","denials":1,"expires_at":"2026-01-05T10:00:30+00:00","needed":1,"review":"approve","shown":{"description":"inference","disks":"vda\t350G\t/data/vm_21274_20260105090000.qcow2\nvdb\t100G\t/data/data_14088_20260105090000.qcow2","node":"ae21fd00d2f2a143f48b6f78a4c2acd5efbe975494088fd94e482661d692bdb6 gpu1","session":"U0ALICE","snapshots":"","state":"running"}}','1358c56879b0c1649e83e448d6b206b4f5253c26ed7beebb5efe33f96a074efa','05792ca845528fbaef6e1c482666a4595b4a312fb2622379b9ae071a9b0be9f2');
INSERT INTO "audit" VALUES(13,'2026-01-05T09:00:30.000000+00:00','requested','U0ALICE','image.download','{"image":"pytorch-2.4.qcow2","node":"gpu1"}','','','','SeNAIJGeNtEv4gPpJ08as8','','','','C0GPUOPS','','card:SeNAIJGeNtEv4gPpJ08as8','{"source":"slash"}','05792ca845528fbaef6e1c482666a4595b4a312fb2622379b9ae071a9b0be9f2','6746a46639b49b744d2c01cac29dbbc2762edbd2ce73424809820d7c6664f8d3');
INSERT INTO "audit" VALUES(14,'2026-01-05T09:00:30.000000+00:00','started','U0ALICE','image.download','{"image":"pytorch-2.4.qcow2","node":"gpu1"}','ae21fd00d2f2a143f48b6f78a4c2acd5efbe975494088fd94e482661d692bdb6','','pytorch-2.4.qcow2','SeNAIJGeNtEv4gPpJ08as8','','','','C0GPUOPS','','card:SeNAIJGeNtEv4gPpJ08as8','{}','6746a46639b49b744d2c01cac29dbbc2762edbd2ce73424809820d7c6664f8d3','2b90849b4cbee055ce82fc9e4c02a290aa7beeb2f61a9d1640a4f8d64beaf128');
CREATE TABLE dbc_sessions (
	user TEXT NOT NULL, 
	node TEXT NOT NULL, 
	sealed BLOB NOT NULL, 
	added_at DATETIME, 
	checked_at DATETIME, 
	problem TEXT NOT NULL, 
	CONSTRAINT pk_dbc_sessions PRIMARY KEY (user, node)
);
INSERT INTO "dbc_sessions" VALUES('U0ALICE','ae21fd00d2f2a143f48b6f78a4c2acd5efbe975494088fd94e482661d692bdb6',X'674141414141427244447252594438574F485F79576A733858445A4B622D774A65594F52492D656B746972337061526D397333764D6B4E7A746E64477133575565646B697978325F537032724D487A796F70496D6D312D79483947767745324B515063554D485145476D6B63625053564433304E6D52316B4C364D50595478556E34776D6F6550485334376A636E5573683061654F50666E4B6F33357A66714F4E4E324E792D366F32415844513964654235797030364473526F3237414543356D6145725054615738444C6B64676645486A70556E794E69742D59504D7A4B55363964375070537A566945365F435F73416250442D354B4970687637734856704D345233696C45747A4261683932486E7847695A4173594B315F654B5455526E38695242684F7367524B43755A6A725F31486F50586B505333726E6737594E3352614A686E7A47395359525269564C6B3135305173697167544F73344F64676D69465A796E4E6E554C536578586B474B716676316F5747343346533849504D6E76397132447369555F474A34735936546D72755941566564545763535234635F67773D3D','2026-01-05 09:00:30.000000','2026-01-05 09:00:30.000000','');
INSERT INTO "dbc_sessions" VALUES('U0BOB','ae21fd00d2f2a143f48b6f78a4c2acd5efbe975494088fd94e482661d692bdb6',X'67414141414142724444725257725659633071744F644736315862356C6D3067785F7A336C7644593868436E78306E43447444723673313847314335777475676D4662505534464C4441466F396D62304A614263766E6134765A53675847475957576572496444763043755F44716C48545158754C41786865626E3279695162346B79716F37506D5566695A705A39537A3248566B73777A3650475242704F55386769303350587372665A7A554239423947685A6F683454654D664C444873664E664F74537A3530395A6964664C704E2D4F4B6B526B36414259676659556748474B774B4B4270786F6E4B777247566463796A576F43764B575F4D707573476E7130635542305F61674755334738315854574B354A3936676A2D5459716845463051496E39663831476F55446749505433574E416E3478353341646E312D7859706754394F6F74554E59522D6A5735756B325F6B34735A4732362D4171486E53337A794E715F75586A61443975735031733337465255336655326233455F4B4E6247535A427270454354474F634C384877425A2D496D336C364671693066366E58673D3D','2026-01-05 09:00:30.000000','2026-01-05 09:00:30.000000','');
INSERT INTO "dbc_sessions" VALUES('U0CAROL','ae21fd00d2f2a143f48b6f78a4c2acd5efbe975494088fd94e482661d692bdb6',X'6741414141414272444472524452477031367179636D2D3046716D774A7338326468434374636F6479396F2D6861666139372D70524151347662595055797A535A507774584E586E6D44685F47676D6241312D44744E3537504276634779365A415A6664376E786D634B4359574C5435636656772D67722D655431314B5373756C5064515A4D7141726C7675696334544E62764764683679734F4959436A7976556D69446E55455178324C58326C575939742D453670386B417554395832534C4D7154447931416462643038626B33612D565857486D4865745147646D6E554563353277637267504D657464764338654253757730774D48714339626A7844516E376B7244454E5A4A6F3344726479472D735A704D625163484A4C714E7437535A67544578357379305F7A782D3559577666436365654538377767663768393244742D5346645F44664A6136575635423952776534495446504946713064795241696A6947423172624D6D6B775950673734476D38616B7158626239666E506E544650574957652D417863523167636E4E47374C6C68727335714A5F794C305761413D3D','2026-01-05 09:00:30.000000','2026-01-05 09:00:30.000000','');
CREATE TABLE defaults (
	scope TEXT NOT NULL, 
	id TEXT NOT NULL, 
	node TEXT NOT NULL, 
	CONSTRAINT pk_defaults PRIMARY KEY (scope, id)
);
INSERT INTO "defaults" VALUES('person','U0ALICE','ae21fd00d2f2a143f48b6f78a4c2acd5efbe975494088fd94e482661d692bdb6');
CREATE TABLE executions (
	id TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	thread TEXT NOT NULL, 
	source TEXT NOT NULL, 
	command TEXT NOT NULL, 
	arguments JSON NOT NULL, 
	effect INTEGER NOT NULL, 
	secrets BLOB, 
	status TEXT NOT NULL, 
	node TEXT NOT NULL, 
	task TEXT NOT NULL, 
	label TEXT NOT NULL, 
	facts JSON NOT NULL, 
	outcome TEXT NOT NULL, 
	session_of TEXT NOT NULL, 
	approved_by TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	started_at DATETIME, 
	finished_at DATETIME, 
	leased_by TEXT, 
	leased_until DATETIME, 
	CONSTRAINT pk_executions PRIMARY KEY (id), 
	CONSTRAINT uq_executions_key UNIQUE ("key")
);
INSERT INTO "executions" VALUES('IBCNx4aITE7owP90jvEsrc','slash:8d6b715165e610b53ee698ba0581d9f8','U0ALICE','C0GPUOPS','','slash','alias.add','{"body": "= vm restart $1 force", "alias": "r"}',1,NULL,'done','','','','{}','For you, /dbc r now means vm restart $1 force. It may do no more than you may.','','','2026-01-05 09:00:30.000000','2026-01-05 09:00:30.000000','2026-01-05 09:00:30.000000',NULL,NULL);
INSERT INTO "executions" VALUES('FpwQ7X7tpcoz5p5FEZ7VBW','slash:4349803f8ac4611ce3ea2e433bf52371','U0ALICE','C0GPUOPS','','slash','settings','{"node": "gpu1"}',1,NULL,'done','','','','{}','Settings changed','','','2026-01-05 09:00:30.000000','2026-01-05 09:00:30.000000','2026-01-05 09:00:30.000000',NULL,NULL);
INSERT INTO "executions" VALUES('gGk5SGOIZH6kpFsXhnEJTQ','slash:443e6c38061dbe0cf6180a0a0ba31bb8','U0ALICE','C0GPUOPS','','slash','vm.delete','{"vm": "inference"}',3,NULL,'waiting','ae21fd00d2f2a143f48b6f78a4c2acd5efbe975494088fd94e482661d692bdb6','Vs7n5UDAvMhWZ99G5aKNr7','inference','{}','','','','2026-01-05 09:00:30.000000',NULL,NULL,NULL,NULL);
INSERT INTO "executions" VALUES('SeNAIJGeNtEv4gPpJ08as8','slash:0e37d498796ca04437491f46221590e7','U0ALICE','C0GPUOPS','','slash','image.download','{"image": "pytorch-2.4.qcow2", "node": "gpu1"}',1,NULL,'following','ae21fd00d2f2a143f48b6f78a4c2acd5efbe975494088fd94e482661d692bdb6','','pytorch-2.4.qcow2','{"server": "hub", "size": "18G", "before": ""}','','U0ALICE','','2026-01-05 09:00:30.000000','2026-01-05 09:00:30.000000',NULL,NULL,NULL);
CREATE TABLE freezes (
	scope TEXT NOT NULL, 
	person TEXT NOT NULL, 
	why TEXT NOT NULL, 
	since DATETIME NOT NULL, 
	CONSTRAINT pk_freezes PRIMARY KEY (scope)
);
CREATE TABLE known_versions (
	topic TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	CONSTRAINT pk_known_versions PRIMARY KEY (topic)
);
INSERT INTO "known_versions" VALUES('nodes',3);
INSERT INTO "known_versions" VALUES('sessions',3);
INSERT INTO "known_versions" VALUES('defaults',1);
INSERT INTO "known_versions" VALUES('machines:ae21fd00d2f2a143f48b6f78a4c2acd5efbe975494088fd94e482661d692bdb6',2);
CREATE TABLE machine_details (
	node TEXT NOT NULL, 
	task TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	sealed BLOB NOT NULL, 
	seen_at DATETIME NOT NULL, 
	CONSTRAINT pk_machine_details PRIMARY KEY (node, task, owner)
);
CREATE TABLE machines (
	node TEXT NOT NULL, 
	task TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	"desc" TEXT NOT NULL, 
	status TEXT NOT NULL, 
	created TEXT NOT NULL, 
	seen_at DATETIME NOT NULL, 
	CONSTRAINT pk_machines PRIMARY KEY (node, task, owner)
);
INSERT INTO "machines" VALUES('ae21fd00d2f2a143f48b6f78a4c2acd5efbe975494088fd94e482661d692bdb6','JGH12VGaRXhqT2yLgPG6Lw','U0ALICE','Ada''s training run','running','2026-01-05 09:00:00','2026-01-05 09:00:30.000000');
INSERT INTO "machines" VALUES('ae21fd00d2f2a143f48b6f78a4c2acd5efbe975494088fd94e482661d692bdb6','Vs7n5UDAvMhWZ99G5aKNr7','U0ALICE','inference','running','2026-01-05 09:00:00','2026-01-05 09:00:30.000000');
CREATE TABLE messages (
	id TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	thread TEXT NOT NULL, 
	content TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	delivered INTEGER NOT NULL, 
	tried INTEGER NOT NULL, 
	abandoned INTEGER NOT NULL, 
	attempts INTEGER NOT NULL, 
	problem TEXT NOT NULL, 
	ref_channel TEXT, 
	ref_ts TEXT, 
	created_at DATETIME NOT NULL, 
	next_try_at DATETIME NOT NULL, 
	leased_by TEXT, 
	leased_until DATETIME, unsettled_until DATETIME, copies_at DATETIME, copies_until DATETIME, posted_twice BOOLEAN DEFAULT 1 NOT NULL, copy_of TEXT, shown TEXT, rests_until DATETIME, can_wait BOOLEAN DEFAULT 0 NOT NULL, told_in TEXT, 
	CONSTRAINT pk_messages PRIMARY KEY (id), 
	CONSTRAINT uq_messages_key UNIQUE ("key")
);
INSERT INTO "messages" VALUES('26df30557d8c4eef8bd528fab4e90641','told:IBCNx4aITE7owP90jvEsrc','U0ALICE','','{"summary":[{"template":"For you, {alias} now means {stands_for}. It may do no more than you may.","given":[["alias",{"text":"/dbc r","style":"code","url":"","at":null,"words":null}],["stands_for",{"text":"vm restart $1 force","style":"code","url":"","at":null,"words":null}]],"several":"","number":null}],"parts":[{"text":[{"template":"For you, {alias} now means {stands_for}. It may do no more than you may.","given":[["alias",{"text":"/dbc r","style":"code","url":"","at":null,"words":null}],["stands_for",{"text":"vm restart $1 force","style":"code","url":"","at":null,"words":null}]],"several":"","number":null}],"kind":"para"},{"text":["You asked for ",{"text":"alias add","style":"code","url":"","at":null,"words":null},", ",{"text":"","style":"time","url":"","at":"2026-01-05T09:00:30Z","words":null},"","."],"kind":"note"}],"private":true,"sensitive":false,"fault":null,"data":null,"end":"","in_place":false}',1,1,0,0,0,'',NULL,NULL,'2026-01-05 09:00:30.000000','2026-01-05 09:01:30.000000',NULL,NULL,NULL,NULL,NULL,1,NULL,NULL,NULL,0,NULL);
INSERT INTO "messages" VALUES('9d8a220533224fb380ee668b8c42d903','told:FpwQ7X7tpcoz5p5FEZ7VBW','U0ALICE','','{"summary":{"template":"Settings changed","given":[],"several":"","number":null},"parts":[{"text":[{"text":"","style":"bold","url":"","at":null,"words":{"template":"Settings changed","given":[],"several":"","number":null}}],"kind":"para"},{"pairs":[[{"template":"Your node","given":[],"several":"","number":null},["gpu1","\n",{"text":"settings node=…","style":"command","url":"","at":null,"words":null}]],[{"template":"This channel''s node","given":[],"several":"","number":null},[{"template":"none","given":[],"several":"","number":null},"\n",{"text":"settings channel_node=…","style":"command","url":"","at":null,"words":null}]],[{"template":"Your aliases","given":[],"several":"","number":null},["1","\n",{"text":"alias list","style":"command","url":"","at":null,"words":null}]],[{"template":"Language · time zone","given":[],"several":"","number":null},["en-US · Europe/Amsterdam\n",{"template":"as set in Slack","given":[],"several":"","number":null}]]],"kind":"fields"},{"text":[{"template":"The node is meant where none is named; the channel''s comes first.","given":[],"several":"","number":null}],"kind":"note"},{"text":["You asked for ",{"text":"settings","style":"code","url":"","at":null,"words":null},", ",{"text":"","style":"time","url":"","at":"2026-01-05T09:00:30Z","words":null},"","."],"kind":"note"}],"private":true,"sensitive":false,"fault":null,"data":{"node":"gpu1","channel_node":null,"aliases":1,"locale":"en-US","time_zone":"Europe/Amsterdam"},"end":"","in_place":false}',1,1,0,0,0,'',NULL,NULL,'2026-01-05 09:00:30.000000','2026-01-05 09:01:30.000000',NULL,NULL,NULL,NULL,NULL,1,NULL,NULL,NULL,0,NULL);
INSERT INTO "messages" VALUES('be86a6e3965847afb84eaa390e94a761','card:gGk5SGOIZH6kpFsXhnEJTQ','C0GPUOPS','','{"summary":"Delete inference on gpu1?","parts":[{"text":[{"text":"raised_hand","style":"emoji","url":"","at":null,"words":null}," ",{"template":"Delete {target}","given":[["target",[{"text":"inference","style":"bold","url":"","at":null,"words":null},""," on ",{"text":"gpu1","style":"bold","url":"","at":null,"words":null}]]],"several":"","number":null},"?"],"kind":"para"},{"pairs":[["Machine",["inference"," · ",{"text":"Vs7n5UDAvMhWZ99G5aKNr7","style":"code","url":"","at":null,"words":null}]],["Node",["gpu1 · ",{"text":"ae21fd00d2f2","style":"code","url":"","at":null,"words":null}]],["Present state",["running"]],["Disks",["vda 350G, vdb 100G"]],["Snapshots",["none"]],["Requested by",[{"text":"U0ALICE","style":"mention","url":"","at":null,"words":null}]]],"kind":"fields"},{"text":[{"text":"warning","style":"emoji","url":"","at":null,"words":null}," ",{"template":"The machine, all its disks with their data, and its snapshot files on the node are erased. Nothing brings them back.","given":[],"several":"","number":null}],"kind":"para"},{"buttons":[{"label":"Approve","action":"approval.approve","value":"tgxAIrBX7VeL2rxkLKZIID","style":"primary","kind":"button","confirm":{"title":{"template":"Approve this?","given":[],"several":"","number":null},"text":[{"template":"Delete {target}","given":[["target",[{"text":"inference","style":"bold","url":"","at":null,"words":null},""," on ",{"text":"gpu1","style":"bold","url":"","at":null,"words":null}]]],"several":"","number":null},". ",{"template":"The machine, all its disks with their data, and its snapshot files on the node are erased. Nothing brings them back.","given":[],"several":"","number":null}],"yes":{"template":"Approve","given":[],"several":"","number":null},"no":{"template":"Cancel","given":[],"several":"","number":null}}},{"label":"Deny","action":"approval.deny","value":"tgxAIrBX7VeL2rxkLKZIID","style":"danger","kind":"button","confirm":null},{"label":"Cancel","action":"approval.cancel","value":"tgxAIrBX7VeL2rxkLKZIID","style":"","kind":"button","confirm":null}],"kind":"actions"},{"text":["Needs 1 approval from ",{"text":"U0BOB","style":"mention","url":"","at":null,"words":null},", ",{"text":"U0CAROL","style":"mention","url":"","at":null,"words":null},"",". Expires ",{"text":"","style":"time","url":"","at":"2026-01-05T10:00:30Z","words":null},"."," ",{"text":"U0ALICE","style":"mention","url":"","at":null,"words":null}," can cancel."],"kind":"note"}],"private":false,"sensitive":false,"fault":null,"data":null,"end":"","in_place":false}',1,1,1,0,0,'','C0GPUOPS','1767603630.000002','2026-01-05 09:00:30.000000','2026-01-05 09:00:30.000000',NULL,NULL,NULL,NULL,NULL,1,NULL,'1:fecdf95332fe9b677ebd5eb81d5262b1','2026-01-05 09:00:32.000000',0,NULL);
INSERT INTO "messages" VALUES('0274b10647464f41be32c911fda53800','card:gGk5SGOIZH6kpFsXhnEJTQ:U0BOB','U0BOB','','{"summary":"Delete inference on gpu1?","parts":[{"text":[{"text":"raised_hand","style":"emoji","url":"","at":null,"words":null}," ",{"template":"Delete {target}","given":[["target",[{"text":"inference","style":"bold","url":"","at":null,"words":null},""," on ",{"text":"gpu1","style":"bold","url":"","at":null,"words":null}]]],"several":"","number":null},"?"],"kind":"para"},{"pairs":[["Machine",["inference"," · ",{"text":"Vs7n5UDAvMhWZ99G5aKNr7","style":"code","url":"","at":null,"words":null}]],["Node",["gpu1 · ",{"text":"ae21fd00d2f2","style":"code","url":"","at":null,"words":null}]],["Present state",["running"]],["Disks",["vda 350G, vdb 100G"]],["Snapshots",["none"]],["Requested by",[{"text":"U0ALICE","style":"mention","url":"","at":null,"words":null}]]],"kind":"fields"},{"text":[{"text":"warning","style":"emoji","url":"","at":null,"words":null}," ",{"template":"The machine, all its disks with their data, and its snapshot files on the node are erased. Nothing brings them back.","given":[],"several":"","number":null}],"kind":"para"},{"buttons":[{"label":"Approve","action":"approval.approve","value":"tgxAIrBX7VeL2rxkLKZIID","style":"primary","kind":"button","confirm":{"title":{"template":"Approve this?","given":[],"several":"","number":null},"text":[{"template":"Delete {target}","given":[["target",[{"text":"inference","style":"bold","url":"","at":null,"words":null},""," on ",{"text":"gpu1","style":"bold","url":"","at":null,"words":null}]]],"several":"","number":null},". ",{"template":"The machine, all its disks with their data, and its snapshot files on the node are erased. Nothing brings them back.","given":[],"several":"","number":null}],"yes":{"template":"Approve","given":[],"several":"","number":null},"no":{"template":"Cancel","given":[],"several":"","number":null}}},{"label":"Deny","action":"approval.deny","value":"tgxAIrBX7VeL2rxkLKZIID","style":"danger","kind":"button","confirm":null},{"label":"Cancel","action":"approval.cancel","value":"tgxAIrBX7VeL2rxkLKZIID","style":"","kind":"button","confirm":null}],"kind":"actions"},{"text":["Needs 1 approval from ",{"text":"U0BOB","style":"mention","url":"","at":null,"words":null},", ",{"text":"U0CAROL","style":"mention","url":"","at":null,"words":null},"",". Expires ",{"text":"","style":"time","url":"","at":"2026-01-05T10:00:30Z","words":null},"."," ",{"text":"U0ALICE","style":"mention","url":"","at":null,"words":null}," can cancel."],"kind":"note"}],"private":false,"sensitive":false,"fault":null,"data":null,"end":"","in_place":false}',1,1,1,0,0,'','D0BOB','1767603630.000003','2026-01-05 09:00:30.000000','2026-01-05 09:00:30.000000',NULL,NULL,NULL,NULL,NULL,1,'card:gGk5SGOIZH6kpFsXhnEJTQ','1:fecdf95332fe9b677ebd5eb81d5262b1','2026-01-05 09:00:32.000000',0,NULL);
INSERT INTO "messages" VALUES('458086382e43479ea63e07febfed5832','card:gGk5SGOIZH6kpFsXhnEJTQ:U0CAROL','U0CAROL','','{"summary":"Delete inference on gpu1?","parts":[{"text":[{"text":"raised_hand","style":"emoji","url":"","at":null,"words":null}," ",{"template":"Delete {target}","given":[["target",[{"text":"inference","style":"bold","url":"","at":null,"words":null},""," on ",{"text":"gpu1","style":"bold","url":"","at":null,"words":null}]]],"several":"","number":null},"?"],"kind":"para"},{"pairs":[["Machine",["inference"," · ",{"text":"Vs7n5UDAvMhWZ99G5aKNr7","style":"code","url":"","at":null,"words":null}]],["Node",["gpu1 · ",{"text":"ae21fd00d2f2","style":"code","url":"","at":null,"words":null}]],["Present state",["running"]],["Disks",["vda 350G, vdb 100G"]],["Snapshots",["none"]],["Requested by",[{"text":"U0ALICE","style":"mention","url":"","at":null,"words":null}]]],"kind":"fields"},{"text":[{"text":"warning","style":"emoji","url":"","at":null,"words":null}," ",{"template":"The machine, all its disks with their data, and its snapshot files on the node are erased. Nothing brings them back.","given":[],"several":"","number":null}],"kind":"para"},{"buttons":[{"label":"Approve","action":"approval.approve","value":"tgxAIrBX7VeL2rxkLKZIID","style":"primary","kind":"button","confirm":{"title":{"template":"Approve this?","given":[],"several":"","number":null},"text":[{"template":"Delete {target}","given":[["target",[{"text":"inference","style":"bold","url":"","at":null,"words":null},""," on ",{"text":"gpu1","style":"bold","url":"","at":null,"words":null}]]],"several":"","number":null},". ",{"template":"The machine, all its disks with their data, and its snapshot files on the node are erased. Nothing brings them back.","given":[],"several":"","number":null}],"yes":{"template":"Approve","given":[],"several":"","number":null},"no":{"template":"Cancel","given":[],"several":"","number":null}}},{"label":"Deny","action":"approval.deny","value":"tgxAIrBX7VeL2rxkLKZIID","style":"danger","kind":"button","confirm":null},{"label":"Cancel","action":"approval.cancel","value":"tgxAIrBX7VeL2rxkLKZIID","style":"","kind":"button","confirm":null}],"kind":"actions"},{"text":["Needs 1 approval from ",{"text":"U0BOB","style":"mention","url":"","at":null,"words":null},", ",{"text":"U0CAROL","style":"mention","url":"","at":null,"words":null},"",". Expires ",{"text":"","style":"time","url":"","at":"2026-01-05T10:00:30Z","words":null},"."," ",{"text":"U0ALICE","style":"mention","url":"","at":null,"words":null}," can cancel."],"kind":"note"}],"private":false,"sensitive":false,"fault":null,"data":null,"end":"","in_place":false}',1,1,1,0,0,'','D0CAROL','1767603630.000004','2026-01-05 09:00:30.000000','2026-01-05 09:00:30.000000',NULL,NULL,NULL,NULL,NULL,1,'card:gGk5SGOIZH6kpFsXhnEJTQ','1:fecdf95332fe9b677ebd5eb81d5262b1','2026-01-05 09:00:32.000000',0,NULL);
INSERT INTO "messages" VALUES('4f71bcc3fbb74ddba4df9338d9fc1698','card:SeNAIJGeNtEv4gPpJ08as8','C0GPUOPS','','{"summary":"pytorch-2.4.qcow2 is being downloaded from hub to gpu1","parts":[{"text":[{"text":"hourglass_flowing_sand","style":"emoji","url":"","at":null,"words":null}," ",{"template":"{label} is being downloaded from {server} to {node}","given":[["server","hub"],["label",[{"text":"pytorch-2.4.qcow2","style":"bold","url":"","at":null,"words":null},""]],["node",[{"text":"gpu1","style":"bold","url":"","at":null,"words":null}]]],"several":"","number":null}," …"],"kind":"para"},{"text":["Requested by ",{"text":"U0ALICE","style":"mention","url":"","at":null,"words":null},", ",{"text":"","style":"time","url":"","at":"2026-01-05T09:00:30Z","words":null}," · ","accepted"],"kind":"note"}],"private":false,"sensitive":false,"fault":null,"data":null,"end":"","in_place":false}',1,1,1,0,0,'','C0GPUOPS','1767603630.000005','2026-01-05 09:00:30.000000','2026-01-05 09:00:30.000000',NULL,NULL,NULL,NULL,NULL,1,NULL,'1:c9dfe6cb9af2ce5727527bb7d3d5ded4','2026-01-05 09:00:32.000000',1,NULL);
CREATE TABLE names (
	kind TEXT NOT NULL, 
	target TEXT NOT NULL, 
	name TEXT NOT NULL, 
	folded TEXT NOT NULL, since DATETIME, given_by TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_names PRIMARY KEY (kind, target), 
	CONSTRAINT uq_names_kind_folded UNIQUE (kind, folded)
);
CREATE TABLE nodes (
	id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	version TEXT NOT NULL, 
	"desc" TEXT NOT NULL, 
	uuid TEXT NOT NULL, 
	manager TEXT NOT NULL, 
	seen_at DATETIME NOT NULL, 
	CONSTRAINT pk_nodes PRIMARY KEY (id)
);
INSERT INTO "nodes" VALUES('ae21fd00d2f2a143f48b6f78a4c2acd5efbe975494088fd94e482661d692bdb6','gpu','gpu1','0.4.1.8','','','','2026-01-05 09:00:30.000000');
INSERT INTO "nodes" VALUES('b28661dfbdd10f2455cf39a1c23179075656cf569024aab03370c9b3513dc62f','gpu','gpu2','0.4.1.8','','','','2026-01-05 09:00:30.000000');
INSERT INTO "nodes" VALUES('ece88a74fa53d510e4aff4011705dafa010f939c134841cedb05816c3c7639a5','gpu','gpu3','0.4.1.8','','','','2026-01-05 09:00:30.000000');
CREATE TABLE readers (
	about TEXT NOT NULL, 
	id TEXT NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_readers PRIMARY KEY (about, id)
);
CREATE TABLE session_requests (
	user TEXT NOT NULL, 
	node TEXT NOT NULL, 
	sealed BLOB NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_session_requests PRIMARY KEY (user, node)
);
CREATE TABLE session_shares (
	user TEXT NOT NULL, 
	node TEXT NOT NULL, 
	audience TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_session_shares PRIMARY KEY (user, node, audience)
);
CREATE TABLE sightings (
	kind TEXT NOT NULL, 
	place TEXT NOT NULL, 
	name TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	seen_at DATETIME NOT NULL, 
	CONSTRAINT pk_sightings PRIMARY KEY (kind, place, name)
);
CREATE TABLE suggestions (
	id TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	sealed BLOB NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_suggestions PRIMARY KEY (id)
);
CREATE TABLE used_nonces (
	digest TEXT NOT NULL, 
	used_at DATETIME NOT NULL, 
	CONSTRAINT pk_used_nonces PRIMARY KEY (digest)
);
CREATE TABLE votes (
	"key" TEXT NOT NULL, 
	approval TEXT NOT NULL, 
	user TEXT NOT NULL, 
	verdict TEXT NOT NULL, 
	at DATETIME NOT NULL, 
	channel TEXT NOT NULL, 
	thread TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	state TEXT NOT NULL, 
	why TEXT NOT NULL, 
	CONSTRAINT pk_votes PRIMARY KEY ("key"), 
	CONSTRAINT fk_votes_approval FOREIGN KEY(approval) REFERENCES approvals (id)
);
CREATE TABLE watches (
	id TEXT NOT NULL, 
	execution TEXT NOT NULL, 
	node TEXT NOT NULL, 
	task TEXT NOT NULL, 
	label TEXT NOT NULL, 
	goal TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	thread TEXT NOT NULL, 
	started_at DATETIME NOT NULL, 
	deadline_at DATETIME NOT NULL, 
	next_poll_at DATETIME NOT NULL, 
	polls INTEGER NOT NULL, 
	status TEXT NOT NULL, 
	unsure BOOLEAN NOT NULL, 
	moved BOOLEAN NOT NULL, 
	silent_since DATETIME, 
	about JSON NOT NULL, 
	stopped_by TEXT NOT NULL, 
	state TEXT NOT NULL, 
	leased_by TEXT, 
	leased_until DATETIME, 
	CONSTRAINT pk_watches PRIMARY KEY (id), 
	CONSTRAINT fk_watches_execution FOREIGN KEY(execution) REFERENCES executions (id)
);
INSERT INTO "watches" VALUES('SeNAIJGeNtEv4gPpJ08as8','SeNAIJGeNtEv4gPpJ08as8','ae21fd00d2f2a143f48b6f78a4c2acd5efbe975494088fd94e482661d692bdb6','','pytorch-2.4.qcow2','downloaded','U0ALICE','C0GPUOPS','','2026-01-05 09:00:30.000000','2026-01-05 10:00:30.000000','2026-01-05 09:00:32.000000',0,'',0,0,NULL,'{"image": "pytorch-2.4.qcow2", "node": "gpu1", "server": "hub", "size": "18G", "before": "", "own_name": "", "command": "image.download"}','','open',NULL,NULL);
CREATE INDEX ix_dbc_sessions_node ON dbc_sessions (node);
CREATE INDEX ix_session_shares_audience ON session_shares (audience);
CREATE INDEX ix_session_shares_node ON session_shares (node);
CREATE INDEX ix_executions_actor_created_at ON executions (actor, created_at);
CREATE INDEX ix_executions_created_at ON executions (created_at);
CREATE INDEX ix_executions_status_leased_until ON executions (status, leased_until);
CREATE INDEX ix_machines_owner ON machines (owner);
CREATE INDEX ix_approvals_execution ON approvals (execution);
CREATE INDEX ix_approvals_status_expires_at ON approvals (status, expires_at);
CREATE INDEX ix_votes_approval ON votes (approval);
CREATE INDEX ix_votes_state_at ON votes (state, at);
CREATE INDEX ix_watches_execution ON watches (execution);
CREATE INDEX ix_watches_state_next_poll_at ON watches (state, next_poll_at);
CREATE INDEX ix_audit_at ON audit (at);
CREATE TRIGGER audit_refuses_update BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_refuses_delete BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_refuses_replace BEFORE INSERT ON audit
        WHEN EXISTS (SELECT 1 FROM audit WHERE seq >= NEW.seq)
        BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE INDEX ix_messages_copied ON messages (copies_at) WHERE copies_at IS NOT NULL;
CREATE INDEX ix_executions_status_finished_at ON executions (status, finished_at);
CREATE INDEX ix_watches_open_on_node ON watches (node, owner) WHERE state = 'open';
CREATE INDEX ix_executions_leased_by ON executions (leased_by) WHERE leased_by IS NOT NULL;
CREATE INDEX ix_watches_leased_by ON watches (leased_by) WHERE leased_by IS NOT NULL;
CREATE INDEX ix_messages_leased_by ON messages (leased_by) WHERE leased_by IS NOT NULL;
CREATE INDEX ix_audit_actor_seq ON audit (actor, seq);
CREATE INDEX ix_audit_command_seq ON audit (command, seq);
CREATE INDEX ix_audit_execution_seq ON audit (execution, seq);
CREATE INDEX ix_audit_kind_seq ON audit (kind, seq);
CREATE INDEX ix_audit_label_seq ON audit (label, seq);
CREATE INDEX ix_audit_node_seq ON audit (node, seq);
CREATE INDEX ix_audit_outcome_seq ON audit (outcome, seq);
CREATE INDEX ix_audit_task_seq ON audit (task, seq);
CREATE INDEX ix_executions_node ON executions (node);
CREATE INDEX ix_executions_label ON executions (label);
CREATE INDEX ix_executions_task_created_at ON executions (task, created_at);
CREATE INDEX ix_messages_told_in ON messages (told_in) WHERE told_in IS NOT NULL;
CREATE INDEX ix_messages_copy_of ON messages (copy_of) WHERE copy_of IS NOT NULL;
CREATE INDEX ix_messages_due ON messages (created_at) WHERE abandoned < version AND (delivered < version OR unsettled_until IS NOT NULL);
CREATE TRIGGER count_nodes_insert AFTER INSERT ON nodes BEGIN INSERT INTO known_versions (topic, version) VALUES ('nodes', 1) ON CONFLICT (topic) DO UPDATE SET version = version + 1; END;
CREATE TRIGGER count_nodes_delete AFTER DELETE ON nodes BEGIN INSERT INTO known_versions (topic, version) VALUES ('nodes', 1) ON CONFLICT (topic) DO UPDATE SET version = version + 1; END;
CREATE TRIGGER count_nodes_update AFTER UPDATE ON nodes WHEN OLD."id" IS NOT NEW."id" OR OLD."kind" IS NOT NEW."kind" OR OLD."name" IS NOT NEW."name" OR OLD."version" IS NOT NEW."version" OR OLD."desc" IS NOT NEW."desc" OR OLD."uuid" IS NOT NEW."uuid" OR OLD."manager" IS NOT NEW."manager" BEGIN INSERT INTO known_versions (topic, version) VALUES ('nodes', 1) ON CONFLICT (topic) DO UPDATE SET version = version + 1; END;
CREATE TRIGGER count_names_insert AFTER INSERT ON names BEGIN INSERT INTO known_versions (topic, version) VALUES ('names', 1) ON CONFLICT (topic) DO UPDATE SET version = version + 1; END;
CREATE TRIGGER count_names_delete AFTER DELETE ON names BEGIN INSERT INTO known_versions (topic, version) VALUES ('names', 1) ON CONFLICT (topic) DO UPDATE SET version = version + 1; END;
CREATE TRIGGER count_names_update AFTER UPDATE ON names WHEN OLD."kind" IS NOT NEW."kind" OR OLD."target" IS NOT NEW."target" OR OLD."name" IS NOT NEW."name" OR OLD."folded" IS NOT NEW."folded" OR OLD."since" IS NOT NEW."since" OR OLD."given_by" IS NOT NEW."given_by" BEGIN INSERT INTO known_versions (topic, version) VALUES ('names', 1) ON CONFLICT (topic) DO UPDATE SET version = version + 1; END;
CREATE TRIGGER count_defaults_insert AFTER INSERT ON defaults BEGIN INSERT INTO known_versions (topic, version) VALUES ('defaults', 1) ON CONFLICT (topic) DO UPDATE SET version = version + 1; END;
CREATE TRIGGER count_defaults_delete AFTER DELETE ON defaults BEGIN INSERT INTO known_versions (topic, version) VALUES ('defaults', 1) ON CONFLICT (topic) DO UPDATE SET version = version + 1; END;
CREATE TRIGGER count_defaults_update AFTER UPDATE ON defaults WHEN OLD."scope" IS NOT NEW."scope" OR OLD."id" IS NOT NEW."id" OR OLD."node" IS NOT NEW."node" BEGIN INSERT INTO known_versions (topic, version) VALUES ('defaults', 1) ON CONFLICT (topic) DO UPDATE SET version = version + 1; END;
CREATE TRIGGER count_dbc_sessions_insert AFTER INSERT ON dbc_sessions BEGIN INSERT INTO known_versions (topic, version) VALUES ('sessions', 1) ON CONFLICT (topic) DO UPDATE SET version = version + 1; END;
CREATE TRIGGER count_dbc_sessions_delete AFTER DELETE ON dbc_sessions BEGIN INSERT INTO known_versions (topic, version) VALUES ('sessions', 1) ON CONFLICT (topic) DO UPDATE SET version = version + 1; END;
CREATE TRIGGER count_dbc_sessions_update AFTER UPDATE ON dbc_sessions WHEN OLD."user" IS NOT NEW."user" OR OLD."node" IS NOT NEW."node" OR OLD."sealed" IS NOT NEW."sealed" OR OLD."added_at" IS NOT NEW."added_at" OR OLD."checked_at" IS NOT NEW."checked_at" OR OLD."problem" IS NOT NEW."problem" BEGIN INSERT INTO known_versions (topic, version) VALUES ('sessions', 1) ON CONFLICT (topic) DO UPDATE SET version = version + 1; END;
CREATE TRIGGER count_session_shares_insert AFTER INSERT ON session_shares BEGIN INSERT INTO known_versions (topic, version) VALUES ('shares', 1) ON CONFLICT (topic) DO UPDATE SET version = version + 1; END;
CREATE TRIGGER count_session_shares_delete AFTER DELETE ON session_shares BEGIN INSERT INTO known_versions (topic, version) VALUES ('shares', 1) ON CONFLICT (topic) DO UPDATE SET version = version + 1; END;
CREATE TRIGGER count_session_shares_update AFTER UPDATE ON session_shares WHEN OLD."user" IS NOT NEW."user" OR OLD."node" IS NOT NEW."node" OR OLD."audience" IS NOT NEW."audience" OR OLD."kind" IS NOT NEW."kind" OR OLD."created_at" IS NOT NEW."created_at" BEGIN INSERT INTO known_versions (topic, version) VALUES ('shares', 1) ON CONFLICT (topic) DO UPDATE SET version = version + 1; END;
CREATE TRIGGER count_machines_insert AFTER INSERT ON machines BEGIN INSERT INTO known_versions (topic, version) VALUES ('machines:' || NEW.node, 1) ON CONFLICT (topic) DO UPDATE SET version = version + 1; END;
CREATE TRIGGER count_machines_delete AFTER DELETE ON machines BEGIN INSERT INTO known_versions (topic, version) VALUES ('machines:' || OLD.node, 1) ON CONFLICT (topic) DO UPDATE SET version = version + 1; END;
CREATE TRIGGER count_machines_update AFTER UPDATE ON machines WHEN OLD."node" IS NOT NEW."node" OR OLD."task" IS NOT NEW."task" OR OLD."owner" IS NOT NEW."owner" OR OLD."desc" IS NOT NEW."desc" OR OLD."status" IS NOT NEW."status" OR OLD."created" IS NOT NEW."created" BEGIN INSERT INTO known_versions (topic, version) VALUES ('machines:' || NEW.node, 1) ON CONFLICT (topic) DO UPDATE SET version = version + 1; INSERT INTO known_versions (topic, version) VALUES ('machines:' || OLD.node, 1) ON CONFLICT (topic) DO UPDATE SET version = version + 1; END;
CREATE INDEX ix_messages_unnamed_copies ON messages ("key") WHERE copy_of IS NULL AND key LIKE '%:%:%';
CREATE INDEX ix_messages_given_up ON messages ("key") WHERE abandoned >= version AND delivered < version;
CREATE INDEX ix_executions_destroying ON executions (started_at) WHERE effect = 3;
COMMIT;
