export type {
  DatabaseEngine,
  EnginePostgres,
  EngineTarget,
  RoleLease,
} from '../../scripts/servers/database-engine.mjs';
export { configureDatabaseEngine } from '../../scripts/servers/database-engine.mjs';
