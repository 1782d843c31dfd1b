// An OPC UA server for tests. Its nodes come as one JSON line on stdin: {"nodes": {"s=plc.x": ["Double", 1.5]}, ...};
// it answers with one JSON line {"port": ...}. Then it takes {"set": ["s=plc.x", 2.5]} and {"count": [5000, 1000]}, which
// lets so many nodes s=many.0, ... count up every so many milliseconds, and answers {"done": true}.
"use strict";
console.log = console.info = console.warn = console.error; // stdout is for answers
const readline = require("node:readline");
const { OPCUAServer } = require("node-opcua-server");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");
const { DataType, Variant, VariantArrayType } = require("node-opcua-variant");

function variant(type, value) {
  const dataType = DataType[type];
  if (type === "Int64" || type === "UInt64") {
    const bits = BigInt.asUintN(64, BigInt(value)); // a string, for JSON has no such numbers
    const halves = [Number(bits >> 32n), Number(bits & 0xffffffffn)];
    return new Variant({ dataType, arrayType: VariantArrayType.Scalar, value: halves });
  }
  return new Variant({ dataType, value: value === "NaN" ? NaN : value });
}

async function serve({ nodes, port, namespace, folder }) {
  const certificates = new OPCUACertificateManager({
    rootFolder: folder,
    automaticallyAcceptUnknownCertificate: true,
  });
  const server = new OPCUAServer({
    port,
    host: "127.0.0.1",
    hostname: "localhost",
    maxConnectionsPerEndpoint: 1000,
    serverCapabilities: { maxSessions: 1000, maxSubscriptions: 1000, maxMonitoredItems: 100000 },
    serverCertificateManager: certificates,
    userCertificateManager: certificates,
  });
  await server.initialize();
  const space = server.engine.addressSpace;
  const own = space.registerNamespace(namespace);
  const variables = {};
  const types = {};
  const add = (nodeId, type, value) => {
    const variable = own.addVariable({
      organizedBy: space.rootFolder.objects,
      browseName: nodeId,
      nodeId,
      dataType: type,
      minimumSamplingInterval: 10,
    });
    variable.setValueFromSource(variant(type, value));
    return variable;
  };
  for (const [nodeId, [type, value]] of Object.entries(nodes)) {
    types[nodeId] = type;
    variables[nodeId] = add(nodeId, type, value);
  }
  await server.start();
  const count = (many, periodMs) => {
    const counting = Array.from({ length: many }, (_, at) => add(`s=many.${at}`, "UInt32", 0));
    let tick = 0;
    setInterval(() => {
      tick += 1;
      for (const variable of counting) variable.setValueFromSource(variant("UInt32", tick));
    }, periodMs);
  };
  return { server, count, set: (nodeId, value) => variables[nodeId].setValueFromSource(variant(types[nodeId], value)) };
}

(async () => {
  let running;
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const said = JSON.parse(line);
    if (said.nodes) {
      running = await serve(said);
      const { port } = running.server.endpoints[0];
      process.stdout.write(JSON.stringify({ port }) + "\n");
    } else {
      if (said.set) running.set(...said.set);
      if (said.count) running.count(...said.count);
      process.stdout.write(JSON.stringify({ done: true }) + "\n");
    }
  }
  process.exit(0);
})();
