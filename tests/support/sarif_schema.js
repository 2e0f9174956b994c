// SPDX-License-Identifier: MPL-2.0
// Validates standard input, a SARIF 2.1.0 log, against the published schema as @microsoft/jest-sarif has it.
"use strict";
const fs = require("fs");
const path = require("path");

const root = path.dirname(require.resolve("@microsoft/jest-sarif/package.json"));
const Ajv = require(require.resolve("ajv", {paths: [root]}));
const draft4 = require.resolve("ajv/lib/refs/json-schema-draft-04.json", {paths: [root]});
const schema = path.join(root, "lib/schemas/sarif-2.1.0-rtm.5.json");

const ajv = new Ajv({schemaId: "auto", unknownFormats: "ignore", allErrors: true});
ajv.addMetaSchema(require(draft4));
const valid = ajv.validate(require(schema), JSON.parse(fs.readFileSync(0)));
console.log(valid ? "valid" : JSON.stringify(ajv.errors, null, 1));
process.exit(valid ? 0 : 1);
