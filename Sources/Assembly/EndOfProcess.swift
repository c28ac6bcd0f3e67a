import ArgumentParser
import Glibc

extension AsyncParsableCommand {
    /// Runs the command that the arguments name, prints its error or help, and ends the process with its exit status.
    ///
    /// The libraries' destructors do not run, because those of OpenSSL and GnuTLS free memory that an ending I/O thread frees as well.
    package static func runAndEndProcess() async -> Never {
        do {
            var command = try await asyncParseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            end(.success)
        } catch {
            let status = exitCode(for: error)
            let text = fullMessage(for: error)
            switch (text.isEmpty, status) {
            case (true, _): break
            case (false, .success): print(text)
            case (false, _): Role.printError(text)
            }
            end(status)
        }
    }

    private static func end(_ status: ExitCode) -> Never {
        fflush(nil)
        _exit(status.rawValue)
    }
}
