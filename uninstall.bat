@echo off
rem Removes the API from the Fooocus that this folder lies beside or in; history and images stay. A double click is enough.
setlocal
call "%~dp0installer\find_python.bat" || goto :failed
"%PYTHON%" -s "%~dp0install.py" --uninstall %*
if errorlevel 1 goto :failed
echo.
echo It worked.
if not defined FOOOCUS_API_NO_PAUSE pause
exit /b 0
:failed
echo.
echo It did not work: the lines above say why.
if not defined FOOOCUS_API_NO_PAUSE pause
exit /b 1
