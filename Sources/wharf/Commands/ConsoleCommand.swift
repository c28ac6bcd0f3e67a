import ArgumentParser
import Assembly
import Logging

struct ConsoleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "console", abstract: "Serves the web console for administrators, at /console.")

    func run() async throws {
        try await Role.run(Assembly.console) { assembly in
            let logger = assembly.logger
            return try assembly.console { port in
                logger.info("listening", metadata: ["port": "\(port)"])
            }
        }
    }
}
