import ArgumentParser
import Assembly
import Contracts
import FoundationEssentials
import Operations
import PostgreSQL
import Users

struct AdministratorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "administrator",
        abstract: "Ensures that an administrator can sign in with this e-mail address.",
        discussion: "The password is read from the first line of standard input, so it appears in no process list.")

    @Argument(help: "The e-mail address.")
    var email: String

    func run() async throws {
        let (settings, logger) = try Role.start("administrator", isTool: true)
        guard let password = readLine(strippingNewline: true), !password.isEmpty else {
            throw ValidationError("give the password on standard input")
        }
        let assembly = Assembly(settings: settings, logger: logger, name: "administrator")
        let database = try assembly.database(.users)
        do {
            try await UsersService.ensureAdmin(
                email: email, password: password, on: database, clock: assembly.clock, randomness: assembly.randomness)
        } catch let problem as Problem {
            await database.close()
            throw ValidationError(problem.detail)
        } catch {
            await database.close()
            throw error
        }
        await database.close()
        print("\(email) is an administrator.")
    }
}
