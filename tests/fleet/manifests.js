// SPDX-License-Identifier: GPL-2.0-only
// manifests.js OUT: of YAML documents on standard input, a TypeScript file in OUT that
// compiles when each is what the Kubernetes API's own types allow, with no unknown member,
// and that holds each against the API's schema when it runs.
import fs from "fs";
import path from "path";
import yaml from "js-yaml";

const models = {
	"v1/Namespace": "kubernetes-models/v1",
	"v1/ServiceAccount": "kubernetes-models/v1",
	"apps/v1/DaemonSet": "kubernetes-models/apps/v1",
	"monitoring.coreos.com/v1/PodMonitor": "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1",
};
const imports = new Set(), lines = [];

yaml.loadAll(fs.readFileSync(0, "utf8")).forEach((doc, i) => {
	const from = models[`${doc.apiVersion}/${doc.kind}`];
	if (!from)
		throw new Error(`no type for ${doc.apiVersion} ${doc.kind}`);
	imports.add(`import { ${doc.kind}, I${doc.kind} } from "${from}";`);
	lines.push(`const d${i}: I${doc.kind} = ${JSON.stringify(doc, null, 1)};`, `new ${doc.kind}(d${i}).validate();`);
});
if (!lines.length)
	throw new Error("no document");
fs.writeFileSync(path.join(process.argv[2], "manifests.ts"), [...imports, ...lines, ""].join("\n"));
