// Answers for a custom resource: what CloudFormation puts beside inline code for Node.js.

exports.SUCCESS = "SUCCESS";
exports.FAILED = "FAILED";

exports.send = (event, context, status, data, physicalResourceId, noEcho) => {
  const body = JSON.stringify({
    Status: status,
    Reason: "See the details in CloudWatch Log Stream: " + context.logStreamName,
    PhysicalResourceId: physicalResourceId || context.logStreamName,
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
    NoEcho: noEcho || false,
    Data: data,
  });
  console.log("Response body:\n", body);
  const headers = { "content-type": "", "content-length": Buffer.byteLength(body) };
  return new Promise((resolve) => {
    const end = (...told) => {
      console.log(...told);
      if (context.done) context.done();
      resolve();
    };
    const request = require("https").request(
      event.ResponseURL, { method: "PUT", headers }, (response) => {
        response.resume();
        end("Status code: " + response.statusCode);
      },
    );
    request.on("error", (error) => end("send(..) failed executing https.request(..): " + error));
    request.end(body);
  });
};
