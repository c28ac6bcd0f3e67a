import ArgumentParser
import Assembly
import Logging
import Messaging

struct IngressCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingress", abstract: "Serves topology/openapi.yaml: HTTP requests in, messages out.")

    @Option(help: "The HTTP contract, which is also the routing table.")
    var openapi = "topology/openapi.yaml"

    func run() async throws {
        try await Role.run("ingress") { assembly in
            let logger = assembly.logger
            return try assembly.ingress(openapi: openapi) { port in
                logger.info("listening", metadata: ["port": "\(port)"])
            }
        }
    }
}
