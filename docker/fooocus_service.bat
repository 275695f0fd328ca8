@echo off
rem Runs Fooocus and its API unattended: copy it next to run.bat, and let the Task Scheduler start it.
rem It writes to fooocus.log, and starts Fooocus again when it fails. Flags that this file gets are given to Fooocus.
setlocal EnableExtensions DisableDelayedExpansion
cd /d "%~dp0"
if not exist "python_embeded\python.exe" (echo This file belongs next to run.bat, in the folder of python_embeded. & exit /b 1)
if exist "api_keys.txt" set "API_KEY_FILE=%~dp0api_keys.txt"
set PYTHONUNBUFFERED=1
:start
echo %DATE% %TIME% starting Fooocus>>fooocus.log
".\python_embeded\python.exe" -s Fooocus\launch.py --disable-in-browser --log-json %*>>fooocus.log 2>&1
if not errorlevel 1 if errorlevel 0 exit /b 0
rem "ping" waits ten seconds; "timeout" fails without a console.
ping -n 11 127.0.0.1 >nul
goto :start
